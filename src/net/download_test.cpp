#include "net/download.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "foundation/temporary_folder_for_test.h"
#include "net/loopback_server.h"

namespace titans::net {
namespace {

using testing::HasSubstr;
using Connection = LoopbackServer::Connection;

class DownloadTest : public testing::Test {
protected:
    DownloadTest() {
        for (int i = 0; i < 200000; ++i) content_ += static_cast<char>('a' + i % 23);
        Sha256 hash;
        hash.add(content_);
        expected_ = {content_.size(), hash.finish()};
    }
    Result<void> fetch(const LoopbackServer& server) {
        return download(HttpClient(), server.url("/model.bin"), file_, expected_, {}, {}, {});
    }
    static std::string read(const std::filesystem::path& file) {
        std::ifstream stream(file, std::ios::binary);
        return {std::istreambuf_iterator<char>(stream), {}};
    }
    static std::size_t asked_offset(const std::string& request) {
        const std::size_t at = request.find("Range: bytes=");
        return at == std::string::npos ? 0 : std::stoul(request.substr(at + 13));
    }
    std::string rest_from(std::size_t offset) const {
        return LoopbackServer::answer("206 Partial Content", content_.substr(offset),
                                      std::format("Content-Range: bytes {}-{}/{}\r\n", offset,
                                                  content_.size() - 1, content_.size()));
    }

    const TemporaryFolder temporary_;
    const std::filesystem::path folder_ = temporary_.path();
    const std::filesystem::path file_ = folder_ / "file";
    std::string content_;
    VerifiedFile::Expected expected_;
};

TEST_F(DownloadTest, FetchesAFile) {
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("200 OK", content_));
    });
    const auto fetched = fetch(server);
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(read(file_), content_);
    EXPECT_FALSE(std::filesystem::exists(folder_ / "file.part"));
}

TEST_F(DownloadTest, GoesOnAfterACutConnection) {
    std::vector<std::size_t> offsets;
    LoopbackServer server([&](const std::string& request, const Connection& connection) {
        const std::size_t offset = asked_offset(request);
        offsets.push_back(offset);
        const std::string all =
            offset == 0 ? LoopbackServer::answer("200 OK", content_) : rest_from(offset);
        connection.send(offsets.size() < 3 ? all.substr(0, all.size() / 2) : all);
    });
    const auto fetched = fetch(server);
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(read(file_), content_);
    ASSERT_EQ(offsets.size(), 3U);
    EXPECT_GT(offsets[1], 90000U);
    EXPECT_GT(offsets[2], offsets[1]);
}

TEST_F(DownloadTest, GoesOnWithThePartOfAnEarlierRun) {
    std::ofstream(folder_ / "file.part", std::ios::binary) << content_.substr(0, 150000);
    LoopbackServer server([&](const std::string& request, const Connection& connection) {
        EXPECT_EQ(asked_offset(request), 150000U);
        connection.send(rest_from(150000));
    });
    ASSERT_TRUE(fetch(server));
    EXPECT_EQ(read(file_), content_);
}

TEST_F(DownloadTest, BeginsAnewWhereTheServerCannotGoOn) {
    std::ofstream(folder_ / "file.part", std::ios::binary) << content_.substr(0, 150000);
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("200 OK", content_));
    });
    const auto fetched = fetch(server);
    ASSERT_TRUE(fetched) << fetched.error().message << fetched.error().detail;
    EXPECT_EQ(read(file_), content_);
}

TEST_F(DownloadTest, RefusesAnotherPartThanItAskedFor) {
    std::ofstream(folder_ / "file.part", std::ios::binary) << content_.substr(0, 150000);
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send(rest_from(1000));
    });
    const auto fetched = fetch(server);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
}

TEST_F(DownloadTest, RefusesAWrongHashAndForgetsThePart) {
    content_[1000] = '!';
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("200 OK", content_));
    });
    const auto fetched = fetch(server);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(fetched.error().message, HasSubstr("SHA-256"));
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(DownloadTest, RefusesALargerFile) {
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send(content_)) {
        }
    });
    const auto fetched = fetch(server);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(DownloadTest, FetchesASmallFileAfterARedirectWithALongerBody) {
    Sha256 hash;
    hash.add("{}");
    expected_ = {2, hash.finish()};
    LoopbackServer server([&](const std::string& request, const Connection& connection) {
        connection.send(request.starts_with("GET /model.bin ")
                            ? LoopbackServer::answer("307 Temporary Redirect", "Redirecting",
                                                     "Location: /elsewhere\r\n")
                            : LoopbackServer::answer("200 OK", "{}"));
    });
    const auto fetched = fetch(server);
    ASSERT_TRUE(fetched) << fetched.error().message;
    EXPECT_EQ(read(file_), "{}");
}

TEST_F(DownloadTest, RefusesASmallerFile) {
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("200 OK", "short"));
    });
    ASSERT_FALSE(fetch(server));
    EXPECT_EQ(server.requests(), 1);
    EXPECT_TRUE(std::filesystem::is_empty(folder_));
}

TEST_F(DownloadTest, TellsAMissingFileFromABrokenServer) {
    LoopbackServer missing([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("404 Not Found", "no"));
    });
    EXPECT_EQ(fetch(missing).error().kind, ErrorKind::NotFound);
    LoopbackServer broken([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("503 Service Unavailable", "no"));
    });
    EXPECT_EQ(fetch(broken).error().kind, ErrorKind::Upstream);
    EXPECT_EQ(broken.requests(), 1);
}

TEST_F(DownloadTest, TriesAgainWhatPassesAsOftenAsItIsTold) {
    const DownloadOptions options{.tries = 3, .retry_delay = std::chrono::milliseconds(1)};
    int asked = 0;
    const auto answers = [&](int failures) {
        return [&, failures](const std::string&, const Connection& connection) {
            if (++asked % 2 == 0 && asked <= failures) return;  // closes without a word
            connection.send(asked <= failures
                                ? LoopbackServer::answer("429 Too Many Requests", "no")
                                : LoopbackServer::answer("200 OK", content_));
        };
    };
    {
        LoopbackServer server(answers(3));
        const auto fetched =
            download(HttpClient(), server.url(), file_, expected_, options, {}, {});
        ASSERT_FALSE(fetched);
        EXPECT_EQ(fetched.error().kind, ErrorKind::Upstream);
        EXPECT_EQ(asked, 3);
    }
    asked = 0;
    LoopbackServer server(answers(2));
    EXPECT_TRUE(download(HttpClient(), server.url(), file_, expected_, options, {}, {}));
    EXPECT_EQ(asked, 3);
}

TEST_F(DownloadTest, StopsWhileItWaitsToTryAgain) {
    std::stop_source stop;
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("503 Service Unavailable", "no"));
        stop.request_stop();
    });
    const auto fetched =
        download(HttpClient(), server.url(), file_, expected_,
                 {.tries = 2, .retry_delay = std::chrono::hours(1)}, {}, stop.get_token());
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Cancelled);
}

TEST_F(DownloadTest, SaysThatATokenIsWantedOrNotEnough) {
    std::string request;
    LoopbackServer closed([&](const std::string& asked, const Connection& connection) {
        request = asked;
        const bool has_token = asked.contains("Authorization: Bearer secret");
        connection.send(LoopbackServer::answer(has_token ? "403 Forbidden" : "401 Unauthorized", "",
                                               "X-Error-Code: GatedRepo\r\n"));
    });
    auto fetched = fetch(closed);
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Unauthorized);
    EXPECT_THAT(fetched.error().detail, HasSubstr("GatedRepo"));
    fetched = download(HttpClient(), closed.url(), file_, expected_,
                       {.bearer = Secret("secret"), .tries = 3}, {}, {});
    ASSERT_FALSE(fetched);
    EXPECT_EQ(fetched.error().kind, ErrorKind::Forbidden);
    EXPECT_EQ(closed.requests(), 2);
}

TEST_F(DownloadTest, ReportsTheBytesThatAreThere) {
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("200 OK", content_));
    });
    std::vector<std::uint64_t> reported;
    ASSERT_TRUE(download(HttpClient(), server.url(), file_, expected_, {},
                         [&](std::uint64_t bytes) { reported.push_back(bytes); }, {}));
    ASSERT_FALSE(reported.empty());
    EXPECT_EQ(reported.back(), content_.size());
    EXPECT_TRUE(std::ranges::is_sorted(reported));
}

}  // namespace
}  // namespace titans::net
