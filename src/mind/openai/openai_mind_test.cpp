#include "mind/openai/openai_mind.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <future>

#include "net/http_client.h"
#include "net/loopback_server.h"

namespace titans::mind {
namespace {

using net::LoopbackServer;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Connection = LoopbackServer::Connection;

constexpr const char* kKey = "sk-secret-0123456789";

std::string chunk(std::string_view text) {
    return std::format("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", text);
}

std::string stream(std::string_view events) {
    return LoopbackServer::answer("200 OK", events, "Content-Type: text/event-stream\r\n");
}

const std::string kAnswer = stream(chunk("Hello ") + chunk("there") + "data: [DONE]\n\n");

/// An API that answers each request with the next of `answers`, and all further ones with the last.
class Api {
public:
    explicit Api(std::vector<std::string> answers)
        : answers_(std::move(answers)),
          server_([this](const std::string& request, const Connection& connection) {
              const std::size_t turn = std::min(requests.size(), answers_.size() - 1);
              requests.push_back(request);
              connection.send(answers_[turn]);
          }) {}
    OpenAiTarget target() const {
        return {.base_url = server_.url("/v1"),
                .model = "m",
                .api_key = Secret(kKey),
                .first_pause = std::chrono::milliseconds(2)};
    }

    std::vector<std::string> requests;

private:
    const std::vector<std::string> answers_;
    LoopbackServer server_;
};

Result<Completion> ask(const OpenAiTarget& target, std::string* streamed = nullptr,
                       const std::stop_token& stop = {}) {
    const net::HttpClient client;
    return OpenAiMind(client, target)
        .generate(
            {.messages = {{Role::User, "Hi"}}}, {},
            [&](std::string_view piece) {
                if (streamed != nullptr) *streamed += piece;
            },
            stop);
}

TEST(OpenAiMind, StreamsAnAnswer) {
    Api api({kAnswer});
    std::string streamed;
    const auto completion = ask(api.target(), &streamed);
    ASSERT_TRUE(completion) << completion.error().message;
    EXPECT_EQ(completion->text, "Hello there");
    EXPECT_EQ(streamed, "Hello there");
    EXPECT_THAT(api.requests.at(0), StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
    EXPECT_THAT(api.requests.at(0), HasSubstr("Authorization: Bearer sk-secret-0123456789\r\n"));
    EXPECT_THAT(api.requests.at(0), HasSubstr("\"include_usage\":true"));
}

TEST(OpenAiMind, SendsNoKeyIfItHasNone) {
    Api api({kAnswer});
    OpenAiTarget target = api.target();
    target.api_key = Secret();
    ASSERT_TRUE(ask(target));
    EXPECT_THAT(api.requests.at(0), Not(HasSubstr("Authorization")));
}

TEST(OpenAiMind, PassesTextOnBeforeTheEnd) {
    // The server goes on only after the first piece has come through.
    std::promise<void> first_came;
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n" + chunk("first. "));
        first_came.get_future().wait();
        connection.send(chunk("second.") + "data: [DONE]\n\n");
        connection.wait_until_client_leaves();  // it does not wait for more
    });
    const net::HttpClient client;
    bool first = true;
    const auto completion = OpenAiMind(client, {.base_url = server.url("/v1"), .model = "m"})
                                .generate({.messages = {{Role::User, "Hi"}}}, {},
                                          [&](std::string_view) {
                                              if (std::exchange(first, false))
                                                  first_came.set_value();
                                          },
                                          {});
    ASSERT_TRUE(completion) << completion.error().message;
    EXPECT_EQ(completion->text, "first. second.");
}

TEST(OpenAiMind, AsksWithoutUsageWhereThatIsNotKnown) {
    for (const char* status : {"400 Bad Request", "422 Unprocessable Entity"}) {
        Api api({LoopbackServer::answer(status, "{\"error\":\"stream_options?\"}"), kAnswer});
        ASSERT_TRUE(ask(api.target()));
        ASSERT_EQ(api.requests.size(), 2U);
        EXPECT_THAT(api.requests[1], Not(HasSubstr("stream_options")));
    }
    Api api({LoopbackServer::answer("400 Bad Request", "{\"error\":\"no such model\"}")});
    const auto refused = ask(api.target());
    ASSERT_FALSE(refused);
    EXPECT_THAT(refused.error().message, HasSubstr("answered 400: no such model"));
    EXPECT_EQ(api.requests.size(), 2U);
}

TEST(OpenAiMind, AsksAgainWhereTheApiIsBusy) {
    Api api({LoopbackServer::answer("429 Too Many Requests", ""),
             LoopbackServer::answer("503 Service Unavailable", ""), kAnswer});
    const auto completion = ask(api.target());
    ASSERT_TRUE(completion) << completion.error().message;
    EXPECT_EQ(completion->text, "Hello there");
    EXPECT_EQ(api.requests.size(), 3U);
}

TEST(OpenAiMind, TellsWhatTheApiSaysWithoutTheKey) {
    Api api({LoopbackServer::answer(
        "401 Unauthorized",
        R"({"error":{"message":"Incorrect API key provided: sk-secret-0123456789."}})")});
    const auto completion = ask(api.target());
    ASSERT_FALSE(completion);
    EXPECT_EQ(completion.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(completion.error().message, StartsWith("llm_config: the API at 127.0.0.1:"));
    EXPECT_THAT(completion.error().message,
                HasSubstr("answered 401: Incorrect API key provided: ***."));
    EXPECT_THAT(completion.error().detail, Not(HasSubstr("0123456789")));
    EXPECT_EQ(api.requests.size(), 1U);
}

TEST(OpenAiMind, ReportsAStreamThatBreaksOffWithoutTheKeyAndOnce) {
    Api cut({stream(chunk("Hello "))});
    std::string streamed;
    const auto broken = ask(cut.target(), &streamed);
    ASSERT_FALSE(broken);
    EXPECT_EQ(broken.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(broken.error().message, HasSubstr("broke off its answer"));
    EXPECT_EQ(streamed, "Hello ");
    EXPECT_EQ(cut.requests.size(), 1U);

    Api failing({stream(chunk("a") + "data: {\"error\":\"key sk-secret-01234 spent\"}\n\n")});
    const auto failed = ask(failing.target());
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(failed.error().message, HasSubstr("broke off its answer: key *** spent"));
}

TEST(OpenAiMind, FollowsNoRedirect) {
    Api inner({kAnswer});
    Api outer({LoopbackServer::answer(
        "307 Temporary Redirect", "",
        std::format("Location: {}/chat/completions\r\n", inner.target().base_url))});
    const auto completion = ask(outer.target());
    ASSERT_FALSE(completion);
    EXPECT_EQ(completion.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(completion.error().message, HasSubstr("answered 307"));
    EXPECT_EQ(outer.requests.size(), 1U);
    EXPECT_TRUE(inner.requests.empty());
}

TEST(OpenAiMind, NamesTheBaseUrlThatIsNotAllowed) {
    Api api({kAnswer});
    OpenAiTarget target = api.target();
    target.policy =
        std::make_shared<const net::AddressPolicy>(net::AddressPolicy::parse({}).value());
    const auto inward = ask(target);
    target.base_url = "file:///etc/passwd";
    const auto other = ask(target);
    for (const auto& completion : {inward, other}) {
        ASSERT_FALSE(completion);
        EXPECT_EQ(completion.error().kind, ErrorKind::InvalidInput);
        EXPECT_THAT(completion.error().message, StartsWith("llm_config.base_url: "));
    }
    EXPECT_TRUE(api.requests.empty());
}

TEST(OpenAiMind, RefusesAKeyThatWouldAddAHeader) {
    Api api({kAnswer});
    OpenAiTarget target = api.target();
    target.api_key = Secret("sk-secret\r\nX-Injected: yes");
    const auto completion = ask(target);
    ASSERT_FALSE(completion);
    EXPECT_EQ(completion.error().kind, ErrorKind::InvalidInput);
    EXPECT_THAT(completion.error().message, HasSubstr("key"));
    EXPECT_THAT(completion.error().message, Not(HasSubstr("sk-secret")));
    EXPECT_TRUE(api.requests.empty());
}

TEST(OpenAiMind, StopsAtOnceWhenAsked) {
    std::stop_source source;
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n" + chunk("first"));
        source.request_stop();
        connection.wait_until_client_leaves();
    });
    const auto start = Clock::now();
    const auto completion =
        ask({.base_url = server.url(), .model = "m"}, nullptr, source.get_token());
    ASSERT_FALSE(completion);
    EXPECT_EQ(completion.error().kind, ErrorKind::Cancelled);
    EXPECT_LT(since(start), std::chrono::seconds(2));
}

TEST(OpenAiMind, EndsAnEndlessStream) {
    LoopbackServer server([](const std::string&, const Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send(": still thinking\n\n")) {
        }
    });
    const auto completion = ask({.base_url = server.url(), .model = "m"});
    ASSERT_FALSE(completion);
    EXPECT_EQ(completion.error().kind, ErrorKind::Upstream);
}

TEST(CheckBaseUrl, NamesTheField) {
    EXPECT_TRUE(check_base_url("https://api.openai.com/v1"));
    const auto refused = check_base_url("https://me:word@api.openai.com/v1");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::InvalidInput);
    EXPECT_THAT(refused.error().message, StartsWith("llm_config.base_url: must "));
}

TEST(IsSameOrigin, TellsWhereAKeyMayGo) {
    EXPECT_TRUE(is_same_origin("https://api.openai.com/v1", "https://api.openai.com:443/v2"));
    EXPECT_FALSE(is_same_origin("https://api.openai.com/v1", "http://api.openai.com/v1"));
}

}  // namespace
}  // namespace titans::mind
