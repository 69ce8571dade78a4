#include "net/api_call.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>

#include "net/loopback_server.h"

namespace titans::net {
namespace {

using std::chrono::milliseconds;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using Connection = LoopbackServer::Connection;

constexpr const char* kKey = "sk-secret-0123456789";

/// Answers each request with the next of `answers`, and all further ones with the last.
class Script {
public:
    explicit Script(std::vector<std::string> answers)
        : answers_(std::move(answers)),
          server_([this](const std::string& request, const Connection& connection) {
              const std::size_t turn = std::min(requests.size(), answers_.size() - 1);
              requests.push_back(request);
              connection.send(answers_[turn]);
          }) {}
    ApiCall call() const {
        return {.field = "llm_config",
                .base_url = server_.url("/v1"),
                .path = "/things",
                .body = "{}",
                .key = Secret(kKey),
                .first_pause = milliseconds(2)};
    }

    std::vector<std::string> requests;

private:
    const std::vector<std::string> answers_;
    LoopbackServer server_;
};

std::string ok() { return LoopbackServer::answer("200 OK", "{\"fine\":1}"); }

TEST(CallApi, PostsJsonWithTheKey) {
    Script script({ok()});
    const auto response = call_api(HttpClient(), script.call(), {}, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 200);
    EXPECT_EQ(response->body, "{\"fine\":1}");
    EXPECT_THAT(script.requests.at(0), testing::StartsWith("POST /v1/things HTTP/1.1\r\n"));
    EXPECT_THAT(script.requests.at(0), HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(script.requests.at(0), HasSubstr("Authorization: Bearer sk-secret-0123456789\r\n"));
    EXPECT_THAT(script.requests.at(0), EndsWith("\r\n\r\n{}"));
}

TEST(CallApi, TakesABaseUrlInEveryFormThatPeoplePaste) {
    Script script({ok()});
    ApiCall call = script.call();
    const std::string base = call.base_url;
    for (const char* end : {"", "/", "//", "/things", "/things/"}) {
        call.base_url = base + end;
        ASSERT_TRUE(call_api(HttpClient(), call, {}, {}));
        EXPECT_THAT(script.requests.back(), testing::StartsWith("POST /v1/things HTTP")) << end;
    }
}

TEST(CallApi, TriesAgainWhereThatMayHelp) {
    for (const char* status : {"429 Too Many Requests", "500 Internal Server Error",
                               "502 Bad Gateway", "503 Service Unavailable"}) {
        Script script({LoopbackServer::answer(status, ""), LoopbackServer::answer(status, ""),
                       LoopbackServer::answer(status, ""), ok()});
        const auto response = call_api(HttpClient(), script.call(), {}, {});
        ASSERT_TRUE(response) << response.error().message;
        EXPECT_EQ(response->status, 200) << status;
        EXPECT_EQ(script.requests.size(), 4U);
    }
}

TEST(CallApi, GivesUpAfterTheThirdRetry) {
    Script script({LoopbackServer::answer("500 Internal Server Error", "no")});
    const auto response = call_api(HttpClient(), script.call(), {}, {});
    ASSERT_TRUE(response);
    EXPECT_EQ(response->status, 500);
    EXPECT_EQ(script.requests.size(), 4U);
}

TEST(CallApi, TriesAgainWhenTheConnectionFails) {
    Script script({"", "HTTP/1.1 2", ok()});
    const auto response = call_api(HttpClient(), script.call(), {}, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(script.requests.size(), 3U);
}

TEST(CallApi, DoesNotRepeatWhatWouldFailAgain) {
    for (const char* status : {"400 Bad Request", "401 Unauthorized", "403 Forbidden",
                               "404 Not Found", "301 Moved Permanently"}) {
        Script script({LoopbackServer::answer(status, "", "Location: /elsewhere\r\n")});
        const auto response = call_api(HttpClient(), script.call(), {}, {});
        ASSERT_TRUE(response);
        EXPECT_EQ(response->status, std::atoi(status));
        EXPECT_EQ(script.requests.size(), 1U) << status;
    }
}

TEST(CallApi, DoesNotRepeatWhatWasStreamedInPart) {
    Script script({"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"});
    std::string streamed;
    const auto response =
        call_api(HttpClient(), script.call(),
                 [&](const HttpResponse&, std::string_view bytes) -> Result<void> {
                     streamed += bytes;
                     return {};
                 },
                 {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(response.error().message, testing::StartsWith("llm_config: "));
    EXPECT_EQ(streamed, "abc");
    EXPECT_EQ(script.requests.size(), 1U);
}

TEST(CallApi, PassesTheErrorOfTheSinkOnAsItIs) {
    Script script({ok()});
    for (const ErrorKind kind : {ErrorKind::Upstream, ErrorKind::TooLarge, ErrorKind::Conflict}) {
        const auto response = call_api(
            HttpClient(), script.call(),
            [&](const HttpResponse&, std::string_view) { return fail(kind, "enough"); }, {});
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().kind, kind);
        EXPECT_EQ(response.error().message, "enough");
    }
    EXPECT_EQ(script.requests.size(), 3U);
}

TEST(CallApi, WaitsAsLongAsItIsAskedTo) {
    const std::string busy = "429 Too Many Requests";
    Script script({LoopbackServer::answer(busy, "", "Retry-After: 0.2\r\n"), ok()});
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(call_api(HttpClient(), script.call(), {}, {}));
    EXPECT_GE(std::chrono::steady_clock::now() - start, milliseconds(200));
    EXPECT_EQ(script.requests.size(), 2U);
}

std::string http_date(std::time_t time) {
    std::array<char, 64> text{};
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
    return text.data();
}

TEST(CallApi, GivesUpWhereItIsAskedToWaitLong) {
    for (const std::string& value : {std::string("61"), std::string("99999999999999999999"),
                                     http_date(std::time(nullptr) + 90)}) {
        Script script(
            {LoopbackServer::answer("429 Too Many Requests", "", "Retry-After: " + value + "\r\n"),
             ok()});
        const auto response = call_api(HttpClient(), script.call(), {}, {});
        ASSERT_TRUE(response);
        EXPECT_EQ(response->status, 429) << value;
        EXPECT_EQ(script.requests.size(), 1U);
    }
}

TEST(CallApi, ReadsADateThatIsOver) {
    for (const std::string& value : {http_date(std::time(nullptr) - 90), std::string("-5"),
                                     std::string("soon"), std::string("0")}) {
        Script script({LoopbackServer::answer("503 Service Unavailable", "",
                                              "Retry-After: " + value + "\r\n"),
                       ok()});
        const auto response = call_api(HttpClient(), script.call(), {}, {});
        ASSERT_TRUE(response);
        EXPECT_EQ(response->status, 200) << value;
    }
}

TEST(CallApi, EndsAPauseAtOnceWhenStopped) {
    std::stop_source source;
    LoopbackServer server([](const std::string&, const Connection& connection) {
        connection.send(LoopbackServer::answer("429 Too Many Requests", "", "Retry-After: 50\r\n"));
    });
    std::jthread stopper([&] {
        while (server.requests() == 0) std::this_thread::yield();
        source.request_stop();
    });
    const auto start = std::chrono::steady_clock::now();
    const auto response =
        call_api(HttpClient(), {.field = "x", .base_url = server.url(), .path = "/y", .body = "{}"},
                 {}, source.get_token());
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Cancelled);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
}

TEST(CallApi, NamesTheFieldOfAnAddressThatIsNotAllowed) {
    Script script({ok()});
    ApiCall call = script.call();
    call.policy = std::make_shared<const AddressPolicy>(AddressPolicy::parse({}).value());
    const auto response = call_api(HttpClient(), call, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::InvalidInput);
    EXPECT_THAT(response.error().message, testing::StartsWith("llm_config.base_url: 127.0.0.1:"));
    EXPECT_TRUE(script.requests.empty());
}

TEST(CallApi, MakesATooLargeAnswerTheUpstreamsFault) {
    Script script({LoopbackServer::answer("200 OK", std::string(2000, 'x'))});
    ApiCall call = script.call();
    call.max_response_bytes = 1000;
    const auto response = call_api(HttpClient(), call, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
    EXPECT_EQ(script.requests.size(), 1U);
}

TEST(AnswerError, SaysWhatTheUpstreamSays) {
    const ApiCall call{.field = "llm_config", .base_url = "https://example.org:8443/v1"};
    const auto message = [&](std::string body) {
        const Error error = answer_error(call, {.status = 404, .body = std::move(body)});
        EXPECT_EQ(error.kind, ErrorKind::Upstream);
        return error.message;
    };
    const std::string plain = "llm_config: the API at example.org:8443 answered 404";
    EXPECT_EQ(message(R"({"error":{"message":"no such model","type":"x"}})"),
              plain + ": no such model");
    EXPECT_EQ(message(R"({"error":"no such model"})"), plain + ": no such model");
    EXPECT_EQ(message(R"({"message":"no such model"})"), plain + ": no such model");
    EXPECT_EQ(message(R"({"detail":"no such model"})"), plain + ": no such model");
    for (const char* body :
         {"", "<html>404</html>", "[]", "{}", "null", "7", R"({"error":null})",
          R"({"error":{"message":["x"]}})", "{\"error\":\"\xFF\"}", "{\"error\":"})
        EXPECT_EQ(message(body), plain) << body;
    EXPECT_EQ(message(std::string(500000, '[')), plain);
}

TEST(AnswerError, BoundsAndCleansTheUpstreamsWords) {
    const ApiCall call{.field = "f", .base_url = "http://h/"};
    const auto words = [&](const std::string& words) {
        return answer_error(call, {.status = 400, .body = "{\"error\":\"" + words + "\"}"}).message;
    };
    const std::string plain = "f: the API at h answered 400: ";
    EXPECT_EQ(words(R"(a\nb\tc\r\u0000\u001b[31md\u007fe\u0085f)"), plain + "a b c[31mdef");
    std::string long_words;
    for (int i = 0; i < 400; ++i) long_words += "\xC3\xA9";
    EXPECT_EQ(words(long_words), plain + long_words.substr(0, 600) + "...");
    EXPECT_EQ(words(std::string(1'000'000, 'x')), plain + std::string(300, 'x') + "...");
}

TEST(AnswerError, LeavesNothingOfTheKey) {
    const ApiCall call{.field = "f", .base_url = "http://h/", .key = Secret(kKey)};
    for (const char* body : {R"({"error":{"message":"Incorrect API key: sk-secret-0123456789"}})",
                             R"({"error":{"message":"Incorrect API key: sk-secre***23456789"}})",
                             R"({"error":{"message":"s\u006b-secret-0123\u0000456789"}})",
                             R"({"error":{"message":"{\"key\":\"sk\\u002dsecret-0123456789\"}"}})",
                             "sk-secret-0123456789 is wrong"}) {
        const Error error = answer_error(call, {.status = 401, .body = body});
        const std::string_view key = kKey;
        for (std::size_t i = 0; i + 8 <= key.size(); ++i) {
            EXPECT_THAT(error.message, Not(HasSubstr(key.substr(i, 8)))) << body;
            EXPECT_THAT(error.detail, Not(HasSubstr(key.substr(i, 8)))) << body;
        }
        EXPECT_THAT(error.message + error.detail, HasSubstr("***")) << body;
    }
}

TEST(CheckApiUrl, TakesUrlsOfApis) {
    for (const char* url : {"https://api.openai.com/v1", "http://localhost:11434/v1/",
                            "http://[::1]:8000", "HTTPS://Example.org/a/b%20c"})
        EXPECT_TRUE(check_api_url(url)) << url;
}

TEST(CheckApiUrl, RefusesOthers) {
    for (const std::string& url :
         {std::string(), std::string("api.openai.com/v1"), std::string("ftp://example.org/"),
          std::string("file:///etc/passwd"), std::string("http://"),
          std::string("http://user:word@example.org/"), std::string("http://user@example.org/"),
          std::string("http://example.org/?key=1"), std::string("http://example.org/#v1"),
          std::string("http://exa mple.org/"), std::string("http://example.org/a\r\nX: y"),
          std::string("http://example.org\\@other.org/"), std::string("http://example.org:99999/"),
          std::string("http://m\xC3\xBCller.de/"), std::string("http://%ff/"),
          std::string("http://a\0b/", 11), "http://example.org/" + std::string(2000, 'x')}) {
        const auto checked = check_api_url(url);
        ASSERT_FALSE(checked) << url;
        EXPECT_EQ(checked.error().kind, ErrorKind::InvalidInput) << url;
    }
}

}  // namespace
}  // namespace titans::net
