#include "api/request_gate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::api {
namespace {

const std::string kHost = "Host: localhost\r\n";

GateRules rules_with_key() {
    return {.api_key = Secret("open-sesame"),
            .allowed_hosts = {"titans.lan", "voices.example"},
            .public_url = "https://voices.example/titans",
            .max_body_bytes = 100};
}

GateRules open_rules() {
    GateRules rules = rules_with_key();
    rules.api_key = Secret();
    return rules;
}

int status_of_head(const std::string& head, const GateRules& rules) {
    const auto parsed = parse_request_head(head + "\r\n");
    if (!parsed) return parsed.error().status;
    const auto refusal = judge(*parsed, rules);
    return refusal ? refusal->status : 200;
}

int status_of_origin(const std::string& host, const std::string& origin,
                     const std::string& method = "POST") {
    return status_of_head(
        method + " /x HTTP/1.1\r\nHost: " + host + "\r\nOrigin: " + origin + "\r\n", open_rules());
}

struct Passed {
    std::string bytes;
    std::optional<Refusal> refusal;
};

/// All of `bytes`, `step` at a time.
Passed pass(const GateRules& rules, std::string_view bytes, std::size_t step) {
    RequestGate gate(rules);
    Passed passed;
    while (!bytes.empty() && !passed.refusal) {
        passed.refusal = gate.take(
            bytes.substr(0, step), [&](std::string_view more) { passed.bytes += more; },
            Clock::now());
        bytes.remove_prefix(std::min(step, bytes.size()));
    }
    return passed;
}

TEST(RequestGate, RefusesABodyThatTheDiskHasNoRoomForBeforeItAndWithinIt) {
    std::uint64_t room = 9;
    GateRules rules = open_rules();
    rules.max_body_in_memory = 5;
    rules.has_room = [&room](std::uint64_t bytes) { return bytes <= room; };
    const std::string head = "POST / HTTP/1.1\r\n" + kHost;
    const std::string ten = head + "Content-Length: 10\r\n\r\n0123456789";
    EXPECT_EQ(pass(rules, ten, 1000).refusal->status, 503);
    EXPECT_FALSE(pass(rules, ten, 1000).bytes.ends_with('9'));
    EXPECT_FALSE(pass(rules, head + "Content-Length: 5\r\n\r\n01234", 1000).refusal);
    room = 0;
    EXPECT_FALSE(pass(rules, head + "Content-Length: 5\r\n\r\n01234", 1000).refusal);
    EXPECT_EQ(
        pass(rules, head + "Transfer-Encoding: chunked\r\n\r\n5\r\n01234\r\n1\r\n5\r\n0\r\n\r\n", 3)
            .refusal->status,
        503);
    room = 10;
    EXPECT_FALSE(pass(rules, ten, 1).refusal);
}

TEST(RequestGate, JudgesTheKeyBeforeAnythingElse) {
    const GateRules rules = rules_with_key();
    EXPECT_EQ(status_of_head("GET /docs HTTP/1.1\r\n" + kHost, rules), 401);
    EXPECT_EQ(status_of_head("BREW /docs HTTP/1.1\r\nHost: evil.example\r\nOrigin: null\r\n"
                             "Content-Length: 99999\r\n",
                             rules),
              401);
    for (const char* wrong :
         {"Authorization: Bearer open-sesam", "Authorization: Bearer open-sesamee",
          "Authorization: Bearer ", "Authorization: open-sesame",
          "X-API-Key: ", "X-API-Key: OPEN-SESAME"}) {
        EXPECT_EQ(status_of_head("GET /docs HTTP/1.1\r\n" + kHost + wrong + "\r\n", rules), 401)
            << wrong;
    }
    for (const char* right : {"Authorization: Bearer open-sesame", "X-API-Key: open-sesame"}) {
        EXPECT_EQ(status_of_head("GET /docs HTTP/1.1\r\n" + kHost + right + "\r\n", rules), 200)
            << right;
    }
}

TEST(RequestGate, LetsTheGreetingAndTheMediaPassWithoutAKey) {
    const GateRules rules = rules_with_key();
    for (const char* path : {"/", "/?x", "/serve-audio/a/b.wav", "/serve-image/a/b.png"}) {
        EXPECT_EQ(status_of_head(std::format("GET {} HTTP/1.1\r\n", path) + kHost, rules), 200)
            << path;
    }
    for (const char* path :
         {"//", "/serve-audio", "/Serve-Audio/a", "/get-characters?/serve-audio/"}) {
        EXPECT_EQ(status_of_head(std::format("GET {} HTTP/1.1\r\n", path) + kHost, rules), 401)
            << path;
    }
}

TEST(RequestGate, TakesOnlyHostsThatAreThisServer) {
    const auto status = [](const std::string& host) {
        return status_of_head("GET /x HTTP/1.1\r\nHost: " + host + "\r\n", open_rules());
    };
    for (const char* host : {"localhost", "LOCALHOST:80", "127.0.0.1:5000", "127.8.9.1", "[::1]:1",
                             "10.0.0.7", "titans.lan:8080", "Voices.Example"}) {
        EXPECT_EQ(status(host), 200) << host;
    }
    for (const char* host : {"evil.example", "localhost.evil.example", "127.0.0.1.evil.example",
                             "titans.lan.evil.example", "127.1", "2130706433", "localhost."}) {
        EXPECT_EQ(status(host), 403) << host;
    }
    for (const char* host : {"", "a b", "user@localhost", "localhost:port", "localhost/x"}) {
        EXPECT_EQ(status(host), 400) << host;
    }
}

TEST(RequestGate, LetsNoOtherSiteChangeAnything) {
    EXPECT_EQ(status_of_origin("localhost:5000", "http://localhost:5000"), 200);
    EXPECT_EQ(status_of_origin("LocalHost:5000", "http://localhost:5000"), 200);
    EXPECT_EQ(status_of_origin("localhost", "http://localhost:80"), 200);
    EXPECT_EQ(status_of_origin("titans.lan", "https://titans.lan"), 200);
    EXPECT_EQ(status_of_origin("127.0.0.1:5000", "https://voices.example"), 200);
    for (const char* origin :
         {"null", "http://localhost", "http://localhost:5001", "http://evil.example",
          "http://localhost:5000.evil.example", "http://localhost:5000@evil.example",
          "https://voices.example:8443", "http://voices.example", "file://", "localhost:5000",
          "http://localhost:5000, http://evil.example"}) {
        EXPECT_EQ(status_of_origin("localhost:5000", origin), 403) << origin;
        EXPECT_EQ(status_of_origin("localhost:5000", origin, "DELETE"), 403) << origin;
        EXPECT_EQ(status_of_origin("localhost:5000", origin, "GET"), 200) << origin;
    }
}

TEST(RequestGate, BoundsTheBodyBeforeItIsRead) {
    const std::string start = "POST /x HTTP/1.1\r\n" + kHost;
    EXPECT_EQ(status_of_head(start + "Content-Length: 100\r\n", open_rules()), 200);
    EXPECT_EQ(status_of_head(start + "Content-Length: 101\r\n", open_rules()), 413);
    EXPECT_EQ(status_of_head(start + "Content-Length: 18446744073709551615\r\n", open_rules()),
              413);
    EXPECT_EQ(status_of_head(start + "Expect: the unexpected\r\n", open_rules()), 417);
    EXPECT_EQ(status_of_head("BREW /x HTTP/1.1\r\n" + kHost, open_rules()), 405);
    EXPECT_EQ(
        status_of_head("GET /x HTTP/1.1\r\n" + kHost + "Upgrade: websocket\r\n", open_rules()),
        400);
}

TEST(RequestGate, PassesWellFormedRequestsOnAsTheyAreHoweverTheyCome) {
    const std::string requests =
        "GET / HTTP/1.1\r\n" + kHost + "\r\nPOST /x HTTP/1.1\r\n" + kHost +
        "Content-Length: 5\r\n\r\nhello" + "POST /y HTTP/1.1\r\n" + kHost +
        "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;ext=1\r\n0123456789"
        "\r\n0\r\n\r\nGET /z HTTP/1.1\r\n" +
        kHost + "\r\n";
    const GateRules rules = open_rules();
    for (std::size_t step = 1; step <= requests.size(); ++step) {
        const Passed passed = pass(rules, requests, step);
        ASSERT_FALSE(passed.refusal) << step << ": " << passed.refusal->message;
        ASSERT_EQ(passed.bytes, requests) << step;
    }
}

TEST(RequestGate, PassesNothingOfAChunkThatIsNone) {
    const std::string head =
        "POST /x HTTP/1.1\r\n" + kHost + "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
    const GateRules rules = open_rules();
    for (const std::string chunk :
         {"-2\r\n", "-1\r\n", "+1\r\n", "0x1\r\n", "\r\n", "x\r\n", " 1\r\n", "1 \r\n",
          "FFFFFFFFFFFFFFFF\r\n", "fffffffffffffffffff\r\n", "1\n", "0\r\nTrailer: x\r\n\r\n",
          "1\r\nab\r\n"}) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{1000}}) {
            const Passed passed = pass(rules, head + chunk, step);
            ASSERT_TRUE(passed.refusal) << chunk;
            EXPECT_EQ(passed.refusal->status, 400) << chunk;
        }
    }
    for (const std::size_t step : {1, 1000}) {
        EXPECT_EQ(pass(rules, head + std::string(5000, '1'), step).refusal->status, 400);
    }
    EXPECT_EQ(pass(rules, head + "62\r\n", 7).refusal->status, 413);
    EXPECT_EQ(pass(rules, head + "FFFFFFFF\r\n", 7).refusal->status, 413);
}

TEST(RequestGate, EndsAHeadThatGoesOnAndOn) {
    const GateRules rules = open_rules();
    for (const std::size_t step : {std::size_t{1000}, std::size_t{100'000}}) {
        const Passed passed =
            pass(rules, "GET / HTTP/1.1\r\nX: " + std::string(100'000, 'x'), step);
        ASSERT_TRUE(passed.refusal);
        EXPECT_EQ(passed.refusal->status, 431);
        EXPECT_TRUE(passed.bytes.empty());
    }
    EXPECT_EQ(pass(rules, "\x16\x03\x01", 100).refusal->status, 400);
    EXPECT_EQ(pass(rules, "\r\nGET / HTTP/1.1\r\n\r\n", 100).refusal->status, 400);
}

TEST(RequestGate, PassesNothingAfterARefusal) {
    const GateRules rules = open_rules();
    const std::string good = "GET / HTTP/1.1\r\n" + kHost + "\r\n";
    RequestGate gate(rules);
    std::string passed;
    const auto forward = [&](std::string_view bytes) { passed += bytes; };
    EXPECT_TRUE(gate.take(good + "NONSENSE\r\n\r\n" + good, forward, Clock::now()));
    EXPECT_EQ(passed, good);
    EXPECT_FALSE(gate.take(good, forward, Clock::now()));
    EXPECT_EQ(passed, good);
}

TEST(RequestGate, KnowsWhoSendsTooSlowly) {
    const GateRules rules = open_rules();
    RequestGate gate(rules);
    const Clock::time_point start = Clock::now();
    const auto after = [start](int seconds) { return start + std::chrono::seconds(seconds); };
    const RequestGate::Forward nowhere = [](std::string_view) {};
    EXPECT_FALSE(gate.is_too_slow(after(1000))) << "nothing is coming";
    gate.take("GET / HT", nowhere, start);
    EXPECT_FALSE(gate.is_too_slow(after(14)));
    gate.take("TP/1.1\r\n", nowhere, after(14));
    EXPECT_TRUE(gate.is_too_slow(after(16)));
    gate.take(kHost + "\r\n", nowhere, after(14));
    EXPECT_FALSE(gate.is_too_slow(after(1000))) << "it has come whole";

    gate.take("POST / HTTP/1.1\r\n" + kHost + "Content-Length: 9\r\n\r\nx", nowhere, start);
    EXPECT_FALSE(gate.is_too_slow(after(59)));
    EXPECT_TRUE(gate.is_too_slow(after(62)));
}

}  // namespace
}  // namespace titans::api
