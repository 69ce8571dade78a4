#include "app/listening_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

namespace titans::app {
namespace {

/// A port that another program listens on while this lives.
class TakenPort {
public:
    TakenPort() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t length = sizeof address;
        bind(socket_, reinterpret_cast<const sockaddr*>(&address), length);
        listen(socket_, 1);
        getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &length);
        number_ = ntohs(address.sin_port);
    }
    TakenPort(const TakenPort&) = delete;
    TakenPort& operator=(const TakenPort&) = delete;
    ~TakenPort() { close(socket_); }

    std::uint16_t number() const { return number_; }

private:
    int socket_;
    std::uint16_t number_ = 0;
};

TEST(ListeningAddress, IsAnIpAddressOrLocalhost) {
    EXPECT_EQ(ListeningAddress::parse("localhost", 5000)->host(), "127.0.0.1");
    EXPECT_EQ(ListeningAddress::parse("::1", 80)->url(), "http://[::1]:80");
    const auto named = ListeningAddress::parse("example.org", 80);
    ASSERT_FALSE(named);
    EXPECT_THAT(named.error().message, testing::HasSubstr("HOST"));
}

TEST(ListeningAddress, SaysThatItIsTaken) {
    const TakenPort port;
    const auto address = ListeningAddress::parse("127.0.0.1", port.number());
    ASSERT_TRUE(address);
    EXPECT_TRUE(address->accepts());
    const auto free = address->check_free();
    ASSERT_FALSE(free);
    EXPECT_THAT(free.error().message, testing::HasSubstr("already running"));
}

TEST(ListeningAddress, IsFreeWhereNobodyListens) {
    std::uint16_t number = 0;
    {
        const TakenPort port;
        number = port.number();
    }
    const auto address = ListeningAddress::parse("127.0.0.1", number);
    ASSERT_TRUE(address);
    EXPECT_TRUE(address->check_free());
    EXPECT_FALSE(address->accepts());
}

}  // namespace
}  // namespace titans::app
