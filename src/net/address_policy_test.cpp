#include "net/address_policy.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstring>

namespace titans::net {
namespace {

sockaddr_storage address_of(const char* text) {
    sockaddr_storage storage{};
    sockaddr_in four{.sin_family = AF_INET};
    sockaddr_in6 six{.sin6_family = AF_INET6};
    if (inet_pton(AF_INET, text, &four.sin_addr) == 1) {
        std::memcpy(&storage, &four, sizeof four);
    } else if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1) {
        std::memcpy(&storage, &six, sizeof six);
    } else {
        ADD_FAILURE() << text;
    }
    return storage;
}

bool allows(const AddressPolicy& policy, const char* host, int port, const char* address) {
    const sockaddr_storage storage = address_of(address);
    return policy.allows(host, port, reinterpret_cast<const sockaddr&>(storage));
}

bool allows(const std::vector<std::string>& entries, const char* host, int port,
            const char* address) {
    return allows(AddressPolicy::parse(entries).value(), host, port, address);
}

TEST(AddressPolicy, AllowsPublicAddresses) {
    const AddressPolicy policy = AddressPolicy::parse({}).value();
    for (const char* address : {"8.8.8.8",
                                "1.1.1.1",
                                "9.255.255.255",
                                "11.0.0.0",
                                "100.63.255.255",
                                "100.128.0.0",
                                "126.255.255.255",
                                "128.0.0.1",
                                "169.253.255.255",
                                "172.15.255.255",
                                "172.32.0.0",
                                "192.167.255.255",
                                "192.169.0.0",
                                "192.0.1.1",
                                "198.17.255.255",
                                "198.20.0.0",
                                "203.0.112.1",
                                "223.255.255.255",
                                "2606:4700:4700::1111",
                                "2001:4860:4860::8888",
                                "2a00:1450:4001:830::200e",
                                "::ffff:8.8.8.8",
                                "64:ff9b::808:808"})
        EXPECT_TRUE(allows(policy, "example.org", 443, address)) << address;
}

TEST(AddressPolicy, RefusesAddressesThatAreNotPublic) {
    const AddressPolicy policy = AddressPolicy::parse({}).value();
    for (const char* address :
         {"0.0.0.0",         "0.1.2.3",         "10.0.0.0",       "10.255.255.255",
          "100.64.0.0",      "100.127.255.255", "127.0.0.1",      "127.255.255.254",
          "169.254.169.254", "172.16.0.0",      "172.31.255.255", "192.0.0.1",
          "192.0.2.1",       "192.88.99.1",     "192.168.0.0",    "192.168.255.255",
          "198.18.0.1",      "198.19.255.255",  "198.51.100.1",   "203.0.113.255",
          "224.0.0.1",       "239.255.255.250", "240.0.0.1",      "255.255.255.255"})
        EXPECT_FALSE(allows(policy, "example.org", 443, address)) << address;
}

TEST(AddressPolicy, RefusesIpv6AddressesThatAreNotPublic) {
    const AddressPolicy policy = AddressPolicy::parse({}).value();
    for (const char* address : {"::",
                                "::1",
                                "::127.0.0.1",
                                "::8.8.8.8",
                                "::ffff:127.0.0.1",
                                "::ffff:10.0.0.1",
                                "::ffff:169.254.169.254",
                                "::ffff:0:127.0.0.1",
                                "64:ff9b::127.0.0.1",
                                "64:ff9b::10.1.2.3",
                                "64:ff9b:1::8.8.8.8",
                                "100::1",
                                "2001::1",
                                "2001:0:7f00:1::",
                                "2001:10::1",
                                "2001:20::1",
                                "2001:1ff:ffff::1",
                                "2001:db8::1",
                                "2002:7f00:1::",
                                "2002:808:808::1",
                                "3fff::1",
                                "5f00::1",
                                "fc00::1",
                                "fd12:3456:789a::1",
                                "fe80::1",
                                "fec0::1",
                                "ff02::1",
                                "ff0e::1"})
        EXPECT_FALSE(allows(policy, "example.org", 443, address)) << address;
}

TEST(AddressPolicy, RefusesWhatIsNoInternetAddress) {
    const sockaddr local{.sa_family = AF_UNIX};
    EXPECT_FALSE(AddressPolicy::parse({"example.org"}).value().allows("example.org", 80, local));
}

TEST(AddressPolicy, AllowsANameWhereverItLeads) {
    EXPECT_TRUE(allows({"Models.LAN"}, "models.lan", 8080, "192.168.0.7"));
    EXPECT_TRUE(allows({"models.lan."}, "models.lan", 8080, "fd00::7"));
    EXPECT_TRUE(allows({"models.lan"}, "models.lan.", 8080, "fd00::7"));
    EXPECT_FALSE(allows({"models.lan"}, "192.168.0.7", 8080, "192.168.0.7"));
    EXPECT_FALSE(allows({"models.lan"}, "other.models.lan", 8080, "192.168.0.7"));
    EXPECT_FALSE(allows({"models.lan"}, "evilmodels.lan", 8080, "192.168.0.7"));
}

TEST(AddressPolicy, AllowsAnAddressWhateverNameLeadsThere) {
    EXPECT_TRUE(allows({"192.168.0.7"}, "models.lan", 8080, "192.168.0.7"));
    EXPECT_TRUE(allows({"192.168.0.7"}, "192.168.0.7", 8080, "::ffff:192.168.0.7"));
    EXPECT_TRUE(allows({"::ffff:192.168.0.7"}, "192.168.0.7", 8080, "192.168.0.7"));
    EXPECT_FALSE(allows({"192.168.0.7"}, "models.lan", 8080, "192.168.0.8"));
    for (const char* entry : {"::1", "[::1]", "0:0:0:0:0:0:0:1"})
        EXPECT_TRUE(allows({entry}, "localhost", 11434, "::1")) << entry;
    EXPECT_TRUE(allows({"FD00::AB"}, "x", 80, "fd00::ab"));
}

TEST(AddressPolicy, HoldsAnEntryToItsPort) {
    EXPECT_TRUE(allows({"127.0.0.1:8080"}, "localhost", 8080, "127.0.0.1"));
    EXPECT_FALSE(allows({"127.0.0.1:8080"}, "localhost", 8081, "127.0.0.1"));
    EXPECT_TRUE(allows({"localhost:8080"}, "localhost", 8080, "127.0.0.1"));
    EXPECT_FALSE(allows({"localhost:8080"}, "localhost", 80, "127.0.0.1"));
    EXPECT_TRUE(allows({"[::1]:8080"}, "localhost", 8080, "::1"));
    EXPECT_FALSE(allows({"[::1]:8080"}, "localhost", 8081, "::1"));
    EXPECT_TRUE(allows({"10.0.0.1", "localhost:1", "localhost:2"}, "localhost", 2, "127.0.0.1"));
}

TEST(AddressPolicy, NamesTheEntryThatIsNone) {
    for (const char* entry : {"",
                              " ",
                              "http://models.lan",
                              "models.lan/v1",
                              "models.lan:",
                              "models.lan:0",
                              "models.lan:65536",
                              "models.lan:80x",
                              "models.lan:-1",
                              "[::1",
                              "::1]",
                              "[::1]8080",
                              "[]",
                              "[models.lan]",
                              "[127.0.0.1]",
                              "1.2.3",
                              "127.1",
                              "0x7f000001",
                              "2130706433",
                              "256.1.1.1",
                              "10.0.0.0/8",
                              "a b",
                              "user@models.lan",
                              ".lan",
                              "models..",
                              ":80",
                              "fe80::1%eth0",
                              "*.lan",
                              "m\xC3\xBCller.de"}) {
        const auto policy = AddressPolicy::parse({"localhost", entry});
        ASSERT_FALSE(policy) << entry;
        EXPECT_EQ(policy.error().kind, ErrorKind::InvalidInput);
        EXPECT_NE(policy.error().message.find('"' + std::string(entry) + '"'), std::string::npos);
    }
}

}  // namespace
}  // namespace titans::net
