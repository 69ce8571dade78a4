#include "net/http_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <future>

#include "net/loopback_server.h"

namespace titans::net {
namespace {

using testing::HasSubstr;
using testing::Not;
using Connection = LoopbackServer::Connection;

LoopbackServer::Handler answering(std::string bytes) {
    return [bytes = std::move(bytes)](const std::string&, const Connection& connection) {
        connection.send(bytes);
    };
}

TEST(HttpClient, ReturnsStatusHeadersAndBody) {
    LoopbackServer server(
        answering(LoopbackServer::answer("201 Created", "hello", "X-Answer: 42\r\n")));
    const auto response = HttpClient().send({.url = server.url()}, {}, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(response->body, "hello");
    EXPECT_EQ(response->header("x-answer"), "42");
    EXPECT_EQ(response->header("x-other"), "");
}

TEST(HttpClient, SendsMethodHeadersKeyAndBody) {
    std::string seen;
    LoopbackServer server([&](const std::string& request, const Connection& connection) {
        seen = request;
        connection.send(LoopbackServer::answer("200 OK", ""));
    });
    const auto response = HttpClient().send({.method = Method::Post,
                                             .url = server.url("/questions?x=1"),
                                             .headers = {{"Content-Type", "application/json"}},
                                             .bearer = Secret("s3cret"),
                                             .body = "{\"a\":1}"},
                                            {}, {});
    ASSERT_TRUE(response);
    EXPECT_THAT(seen, testing::StartsWith("POST /questions?x=1 HTTP/1.1\r\n"));
    EXPECT_THAT(seen, HasSubstr("Content-Type: application/json\r\n"));
    EXPECT_THAT(seen, HasSubstr("Authorization: Bearer s3cret\r\n"));
    EXPECT_THAT(seen, testing::EndsWith("\r\n\r\n{\"a\":1}"));
}

TEST(HttpClient, SendsAFormWithFieldsAndFiles) {
    const auto file = std::filesystem::path(testing::TempDir()) / "knowledge.txt";
    std::ofstream(file) << "The lighthouse was built in 1871.";
    std::string seen;
    LoopbackServer server([&](const std::string& request, const Connection& connection) {
        seen = request;
        connection.send(LoopbackServer::answer("200 OK", ""));
    });
    const auto response =
        HttpClient().send({.method = Method::Post,
                           .url = server.url(),
                           .form = {{.name = "name", .value = "Ada"},
                                    {.name = "file", .file = file, .content_type = "text/plain"}}},
                          {}, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_THAT(seen, HasSubstr("name=\"name\"\r\n\r\nAda\r\n"));
    EXPECT_THAT(seen, HasSubstr("name=\"file\"; filename=\"knowledge.txt\"\r\n"
                                "Content-Type: text/plain\r\n"));
    EXPECT_THAT(seen, HasSubstr("The lighthouse was built in 1871."));
}

TEST(HttpClient, NamesTheFieldWhoseFileCannotBeRead) {
    const auto response =
        HttpClient().send({.method = Method::Post,
                           .url = "http://127.0.0.1:1/",
                           .form = {{.name = "character_image", .file = "/nowhere/cat.png"}}},
                          {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::InvalidInput);
    EXPECT_THAT(response.error().message, HasSubstr("character_image"));
    EXPECT_THAT(response.error().message, Not(HasSubstr("nowhere")));
}

TEST(HttpClient, StreamsASuccessToTheSinkBeforeItsEnd) {
    // The server sends the second half only after the sink had the first.
    std::promise<void> first_came;
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none");
        first_came.get_future().wait();
        connection.send("two");
    });
    std::vector<std::string> pieces;
    const auto response =
        HttpClient().send({.url = server.url()},
                          [&](const HttpResponse& head, std::string_view bytes) -> Result<void> {
                              EXPECT_EQ(head.status, 200);
                              EXPECT_EQ(head.header("content-length"), "6");
                              if (pieces.empty()) first_came.set_value();
                              pieces.emplace_back(bytes);
                              return {};
                          },
                          {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(pieces, (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(response->body, "");
}

TEST(HttpClient, KeepsTheBodyOfAFailureFromTheSink) {
    LoopbackServer server(answering(LoopbackServer::answer("404 Not Found", "no such thing")));
    const auto response =
        HttpClient().send({.url = server.url()},
                          [](const HttpResponse&, std::string_view) -> Result<void> {
                              return fail(ErrorKind::Internal, "called");
                          },
                          {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 404);
    EXPECT_EQ(response->body, "no such thing");
}

TEST(HttpClient, PassesTheErrorOfTheSinkOn) {
    LoopbackServer server(answering(LoopbackServer::answer("200 OK", "bytes")));
    const auto response =
        HttpClient().send({.url = server.url()},
                          [](const HttpResponse&, std::string_view) -> Result<void> {
                              return fail(ErrorKind::Conflict, "not now");
                          },
                          {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Conflict);
    EXPECT_EQ(response.error().message, "not now");
}

TEST(HttpClient, EndsAnEndlessAnswer) {
    LoopbackServer server([](const std::string&, const Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send(std::string(10000, 'x'))) {
        }
    });
    const auto response =
        HttpClient().send({.url = server.url(), .max_response_bytes = 100000}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::TooLarge);
}

TEST(HttpClient, SaysThatNothingAnswers) {
    std::string url;
    {
        LoopbackServer gone(answering(""));
        url = gone.url("/secret-path");
    }
    const auto response = HttpClient().send({.url = url}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(response.error().message, HasSubstr("127.0.0.1:"));
    EXPECT_THAT(response.error().message, Not(HasSubstr("secret-path")));
}

TEST(HttpClient, GivesUpOnAHostThatDropsConnections) {
    // A listener whose queue is full lets further connections wait for ever.
    const FileDescriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{
        .sin_family = AF_INET, .sin_port = 0, .sin_addr = {.s_addr = htonl(INADDR_LOOPBACK)}};
    socklen_t length = sizeof address;
    auto* const plain = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(listener.get(), plain, length), 0);
    ASSERT_EQ(::listen(listener.get(), 0), 0);
    ASSERT_EQ(::getsockname(listener.get(), plain, &length), 0);
    std::vector<FileDescriptor> waiting;
    for (int i = 0; i < 4; ++i) {
        waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        ::connect(waiting.back().get(), plain, length);
    }
    const auto response =
        HttpClient().send({.url = std::format("http://127.0.0.1:{}/", ntohs(address.sin_port)),
                           .connect_timeout = std::chrono::milliseconds(50)},
                          {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Timeout);
}

TEST(HttpClient, KeepsItsDeadline) {
    LoopbackServer server([](const std::string&, const Connection& connection) {
        connection.wait_until_client_leaves();
    });
    const auto response =
        HttpClient().send({.url = server.url(), .deadline = std::chrono::milliseconds(50)}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Timeout);
}

TEST(HttpClient, StopsAtOnceWhenAsked) {
    std::stop_source source;
    LoopbackServer server([&](const std::string&, const Connection& connection) {
        source.request_stop();
        connection.wait_until_client_leaves();
    });
    const auto start = std::chrono::steady_clock::now();
    const auto response = HttpClient().send({.url = server.url()}, {}, source.get_token());
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Cancelled);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
}

TEST(HttpClient, ReportsAConnectionThatBreaks) {
    LoopbackServer server(answering("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc"));
    const auto response = HttpClient().send({.url = server.url()}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
}

TEST(HttpClient, FollowsRedirectsOnlyWhereAsked) {
    LoopbackServer server([](const std::string& request, const Connection& connection) {
        connection.send(request.starts_with("GET /a ")
                            ? LoopbackServer::answer("302 Found", "moved", "Location: /b\r\n")
                            : LoopbackServer::answer("200 OK", "here"));
    });
    const auto stayed = HttpClient().send({.url = server.url("/a")}, {}, {});
    ASSERT_TRUE(stayed);
    EXPECT_EQ(stayed->status, 302);
    const auto followed = HttpClient().send({.url = server.url("/a"), .max_redirects = 1}, {}, {});
    ASSERT_TRUE(followed) << followed.error().message;
    EXPECT_EQ(followed->body, "here");
}

TEST(HttpClient, GivesUpOnACircleOfRedirects) {
    LoopbackServer server(answering(LoopbackServer::answer("302 Found", "", "Location: /\r\n")));
    const auto response = HttpClient().send({.url = server.url(), .max_redirects = 3}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
    EXPECT_EQ(server.requests(), 4);
}

TEST(HttpClient, KeepsTheKeyFromAnotherOrigin) {
    std::string at_first;
    std::string at_second;
    LoopbackServer second([&](const std::string& request, const Connection& connection) {
        at_second = request;
        connection.send(LoopbackServer::answer("200 OK", ""));
    });
    LoopbackServer first([&](const std::string& request, const Connection& connection) {
        at_first = request;
        connection.send(LoopbackServer::answer(
            "307 Temporary Redirect", "", std::format("Location: {}\r\n", second.url("/there"))));
    });
    const auto response = HttpClient().send({.url = first.url(),
                                             .headers = {{"Range", "bytes=5-"}},
                                             .bearer = Secret("s3cret"),
                                             .max_redirects = 1},
                                            {}, {});
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_THAT(at_first, HasSubstr("s3cret"));
    EXPECT_THAT(at_second, HasSubstr("GET /there"));
    EXPECT_THAT(at_second, HasSubstr("Range: bytes=5-"));
    EXPECT_THAT(at_second, Not(HasSubstr("s3cret")));
}

TEST(HttpClient, RefusesARedirectToAFile) {
    LoopbackServer server(
        answering(LoopbackServer::answer("302 Found", "", "Location: file:///etc/passwd\r\n")));
    const auto response = HttpClient().send({.url = server.url(), .max_redirects = 1}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
}

TEST(HttpClient, RefusesWhatIsNotHttp) {
    for (const char* url : {"file:///etc/passwd", "ftp://example.org/", "example.org", "",
                            "http://", "http://user:word@127.0.0.1/", "http://a b/"}) {
        const auto response = HttpClient().send({.url = url}, {}, {});
        ASSERT_FALSE(response) << url;
        EXPECT_EQ(response.error().kind, ErrorKind::InvalidInput) << url;
    }
}

TEST(HttpClient, RefusesAHeaderWithALineBreak) {
    const auto response = HttpClient().send(
        {.url = "http://127.0.0.1:1/", .headers = {{"X", "a\r\nInjected: b"}}}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::InvalidInput);
}

std::shared_ptr<const AddressPolicy> allowing(const std::vector<std::string>& entries) {
    return std::make_shared<const AddressPolicy>(AddressPolicy::parse(entries).value());
}

TEST(HttpClient, RefusesEverySpellingOfAnAddressThatItsPolicyForbids) {
    LoopbackServer server(answering(LoopbackServer::answer("200 OK", "inside")));
    const std::string port = server.url().substr(server.url().rfind(':'));
    for (const char* host : {"127.0.0.1", "localhost", "LOCALHOST", "localhost.", "127.1",
                             "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1", "0", "%31%32%37.1",
                             "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::]"}) {
        const auto response = HttpClient().send(
            {.url = "http://" + std::string(host) + port, .policy = allowing({})}, {}, {});
        ASSERT_FALSE(response) << host;
        EXPECT_EQ(response.error().kind, ErrorKind::Forbidden)
            << host << ": " << response.error().message;
    }
    EXPECT_EQ(server.requests(), 0);
}

TEST(HttpClient, ConnectsToAPrivateAddressThatItsPolicyLists) {
    LoopbackServer server(answering(LoopbackServer::answer("200 OK", "inside")));
    const std::string host = host_of(server.url());
    const std::string port = host.substr(host.find(':'));
    for (const std::string& entry : {host, std::string("127.0.0.1"), "localhost" + port}) {
        const auto response = HttpClient().send(
            {.url = "http://localhost" + port + "/", .policy = allowing({entry})}, {}, {});
        ASSERT_TRUE(response) << entry << ": " << response.error().message;
        EXPECT_EQ(response->body, "inside");
    }
    const auto other = HttpClient().send(
        {.url = server.url(), .policy = allowing({"127.0.0.1:1", "localhost"})}, {}, {});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, ErrorKind::Forbidden);
}

TEST(HttpClient, RefusesARedirectToAnAddressThatItsPolicyForbids) {
    LoopbackServer inner(answering(LoopbackServer::answer("200 OK", "inside")));
    LoopbackServer outer([&](const std::string&, const Connection& connection) {
        connection.send(
            LoopbackServer::answer("302 Found", "", std::format("Location: {}\r\n", inner.url())));
    });
    const HttpRequest request{
        .url = outer.url(), .max_redirects = 3, .policy = allowing({host_of(outer.url())})};
    const auto response = HttpClient().send(request, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
    EXPECT_THAT(response.error().message, HasSubstr("redirects"));
    EXPECT_EQ(outer.requests(), 1);
    EXPECT_EQ(inner.requests(), 0);
}

TEST(HttpClient, AsksNoProxyWhereItsPolicyCounts) {
    LoopbackServer proxy(answering(LoopbackServer::answer("200 OK", "by proxy")));
    ::setenv("http_proxy", proxy.url().c_str(), 1);
    const auto by_proxy = HttpClient().send({.url = "http://10.0.0.1/"}, {}, {});
    const auto direct =
        HttpClient().send({.url = "http://10.0.0.1/", .policy = allowing({})}, {}, {});
    ::unsetenv("http_proxy");
    ASSERT_TRUE(by_proxy) << by_proxy.error().message;
    EXPECT_EQ(by_proxy->body, "by proxy");
    ASSERT_FALSE(direct);
    EXPECT_EQ(direct.error().kind, ErrorKind::Forbidden);
    EXPECT_EQ(proxy.requests(), 1);
}

TEST(HttpClient, EndsAnEndlessHead) {
    for (const std::string& piece :
         {std::string("X-Filler: ") + std::string(1000, 'x') + "\r\n", std::string(1000, 'x'),
          std::string("\r\nHTTP/1.1 100 Continue\r\nX: y\r\n")}) {
        std::size_t sent = 0;
        LoopbackServer server([&](const std::string&, const Connection& connection) {
            connection.send("HTTP/1.1 100 Continue\r\n");
            while (connection.send(piece) && sent < (std::size_t{64} << 20)) sent += piece.size();
        });
        const auto response = HttpClient().send({.url = server.url()}, {}, {});
        ASSERT_FALSE(response);
        EXPECT_EQ(response.error().kind, ErrorKind::Upstream);
        EXPECT_LT(sent, std::size_t{16} << 20);  // what the sockets between hold among it
    }
}

TEST(HttpClient, KeepsItsDeadlineWhileBytesDrip) {
    LoopbackServer server([](const std::string&, const Connection& connection) {
        connection.send("HTTP/1.1 200 OK\r\n\r\n");
        while (connection.send("x")) std::this_thread::sleep_for(std::chrono::milliseconds(5));
    });
    const auto response =
        HttpClient().send({.url = server.url(), .deadline = std::chrono::milliseconds(50)}, {}, {});
    ASSERT_FALSE(response);
    EXPECT_EQ(response.error().kind, ErrorKind::Timeout);
}

TEST(SameOrigin, ComparesSchemeHostAndPort) {
    EXPECT_TRUE(same_origin("https://api.openai.com/v1", "HTTPS://API.OpenAI.com:443/other"));
    EXPECT_TRUE(same_origin("http://[::1]/a", "http://[0:0:0:0:0:0:0:1]:80/"));
    for (const char* other :
         {"http://api.openai.com/v1", "https://api.openai.com:8443/v1",
          "https://api.openai.com.evil.org/v1", "https://evil.org/v1",
          "https://api.openai.com@evil.org/v1", "https://evil.org/api.openai.com",
          "https://evil.org#api.openai.com", "https://evil.org\\@api.openai.com/v1",
          "ftp://api.openai.com/v1", "api.openai.com", ""})
        EXPECT_FALSE(same_origin("https://api.openai.com/v1", other)) << other;
    EXPECT_FALSE(same_origin("", ""));
}

TEST(HostOf, NamesHostAndPortAlone) {
    EXPECT_EQ(host_of("https://example.org/a?key=b"), "example.org");
    EXPECT_EQ(host_of("http://127.0.0.1:5000/"), "127.0.0.1:5000");
    EXPECT_EQ(host_of("ftp://example.org/"), "");
}

}  // namespace
}  // namespace titans::net
