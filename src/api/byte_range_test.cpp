#include "api/byte_range.h"

#include <gtest/gtest.h>

namespace titans::api {
namespace {

std::string text(std::string_view header) {
    const auto range = parse_byte_range(header, 1000);
    return range ? std::format("{}+{}", range->first, range->count) : "all";
}

TEST(ByteRange, IsAPartOfTheFile) {
    EXPECT_EQ(text("bytes=0-0"), "0+1");
    EXPECT_EQ(text("bytes=0-"), "0+1000");
    EXPECT_EQ(text("bytes=10-19"), "10+10");
    EXPECT_EQ(text("bytes=990-5000"), "990+10");
    EXPECT_EQ(text("bytes=-10"), "990+10");
    EXPECT_EQ(text("bytes=-5000"), "0+1000");
}

TEST(ByteRange, IsEmptyBehindTheEnd) {
    EXPECT_EQ(text("bytes=1000-"), "0+0");
    EXPECT_EQ(text("bytes=18446744073709551615-"), "0+0");
    EXPECT_EQ(parse_byte_range("bytes=-0", 1000)->count, 0U);
    EXPECT_EQ(parse_byte_range("bytes=0-", 0)->count, 0U);
    EXPECT_EQ(parse_byte_range("bytes=-5", 0)->count, 0U);
}

TEST(ByteRange, IsAllOfTheFileIfItIsNone) {
    for (const char* header :
         {"", "bytes", "bytes=", "bytes=-", "bytes=a-b", "bytes=5-2", "bytes=0-1,5-6", "lines=1-2",
          "bytes=--5", "bytes=1-2-3", "bytes=+1-2", "bytes= 1-2", "bytes=1-99999999999999999999"}) {
        EXPECT_EQ(text(header), "all") << header;
    }
}

TEST(Etag, IsFoundInAList) {
    EXPECT_TRUE(names_etag("\"a\"", "\"a\""));
    EXPECT_TRUE(names_etag("\"b\", W/\"a\"", "\"a\""));
    EXPECT_TRUE(names_etag("*", "\"a\""));
    EXPECT_FALSE(names_etag("", "\"a\""));
    EXPECT_FALSE(names_etag("a, \"ab\"", "\"a\""));
}

}  // namespace
}  // namespace titans::api
