#include "api/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::api {
namespace {

int status_for(std::string_view head) {
    const auto parsed = parse_request_head(head);
    return parsed ? 200 : parsed.error().status;
}

TEST(RequestHead, IsReadWithItsHeaders) {
    const auto head = parse_request_head(
        "POST /ask?x=1 HTTP/1.1\r\nHost: localhost:5000\r\nX-API-Key:  k \r\nContent-Length: "
        "12\r\n\r\n");
    ASSERT_TRUE(head);
    EXPECT_EQ(head->method, "POST");
    EXPECT_EQ(head->path, "/ask");
    EXPECT_EQ(head->header("x-api-key"), "k");
    EXPECT_EQ(head->header("cookie"), "");
    EXPECT_EQ(head->body_bytes, 12U);
    EXPECT_FALSE(head->chunked);
}

TEST(RequestHead, IsRefusedIfTwoReadersCouldTakeItInTwoWays) {
    const std::string start = "POST / HTTP/1.1\r\nHost: a\r\n";
    EXPECT_EQ(status_for(start + "\r\n"), 200);
    for (const std::string header :
         {"Content-Length: -1", "Content-Length: +1", "Content-Length: 1, 1", "Content-Length: 0x1",
          "Content-Length:", "Content-Length: 99999999999999999999",
          "Content-Length: 1\r\nContent-Length: 1", "Transfer-Encoding: gzip, chunked",
          "Transfer-Encoding: chunked\r\nContent-Length: 1",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", "Content-Length : 1",
          " folded: 1", "no colon", ": no name", "na me: x", "X: a\rb", "X: a\nb", "Host: twice"}) {
        EXPECT_EQ(status_for(start + header + "\r\n\r\n"), 400) << header;
    }
    EXPECT_EQ(status_for(start + std::string("X: a\0b", 6) + "\r\n\r\n"), 400);
}

TEST(RequestHead, IsRefusedWithoutARequestLine) {
    for (const char* line : {"GET", "GET /", "GET / HTTP/2.0", "GET / HTTP/1.10",
                             "GET http://x/ HTTP/1.1", "GET * HTTP/1.1", "GET /\x01 HTTP/1.1",
                             "GET /a b HTTP/1.1", "G(T / HTTP/1.1", "", " / HTTP/1.1"}) {
        EXPECT_EQ(status_for(std::string(line) + "\r\nHost: a\r\n\r\n"), 400) << line;
    }
    EXPECT_EQ(status_for("GET /" + std::string(5000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
    EXPECT_EQ(status_for("GET / HTTP/1.1\r\n\r\n"), 400);
}

TEST(RequestHead, HasABoundedNumberOfHeaders) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 200; ++i) head += "a: b\r\n";
    EXPECT_EQ(status_for(head + "\r\n"), 431);
}

TEST(Authority, IsANameOrAnAddressWithAPort) {
    EXPECT_EQ(parse_authority("Titans.Example:80")->host, "titans.example");
    EXPECT_EQ(parse_authority("Titans.Example:80")->port, 80);
    EXPECT_EQ(parse_authority("[::1]")->host, "::1");
    EXPECT_EQ(parse_authority("[::1]:5000")->port, 5000);
    for (const char* text : {"", ":80", "a:b", "a:80:80", "a:70000", "a:-1", "a b", "a/b", "u@a",
                             "[::1", "[::1]x", "[name]", "[]", "a\"b", "a,b", "a:"}) {
        EXPECT_FALSE(parse_authority(text)) << text;
    }
}

}  // namespace
}  // namespace titans::api
