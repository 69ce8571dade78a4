#include <gtest/gtest.h>

#include "cli/api_client.h"

namespace titans::cli {
namespace {

std::string url_for(std::string host, std::uint16_t port) {
    config::Settings settings;
    settings.server.host = std::move(host);
    settings.server.port = port;
    return server_url(settings);
}

TEST(ServerUrl, IsWhereTheServerListens) {
    EXPECT_EQ(url_for("127.0.0.1", 5000), "http://127.0.0.1:5000");
    EXPECT_EQ(url_for("::1", 80), "http://[::1]:80");
}

TEST(ServerUrl, IsThisMachineForAServerThatListensEverywhere) {
    EXPECT_EQ(url_for("0.0.0.0", 5001), "http://127.0.0.1:5001");
    EXPECT_EQ(url_for("::", 5001), "http://[::1]:5001");
}

TEST(ServerUrl, IsTheOneThatIsGiven) {
    config::Settings settings;
    settings.client.server_url = "https://titans.example";
    EXPECT_EQ(server_url(settings), "https://titans.example");
}

}  // namespace
}  // namespace titans::cli
