#include "knowledge/documents.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::knowledge {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> blocks(std::string_view bytes, std::string_view name = {}) {
    const auto document = read_document(bytes, name);
    EXPECT_TRUE(document) << document.error().message;
    return document ? document->blocks : std::vector<std::string>();
}

std::string error(std::string_view bytes, std::string_view name = {}) {
    const auto document = read_document(bytes, name);
    EXPECT_FALSE(document);
    if (document) return {};
    EXPECT_THAT(document.error().message, HasSubstr("knowledge_base_file: "));
    return document.error().message.substr(21);
}

TEST(Documents, ReadsTheParagraphsOfText) {
    EXPECT_THAT(blocks("\xEF\xBB\xBF"
                       "One\r\ntwo\r\n\r\n \t\r\nThree.\n\n\n\nVier: Größe.\f五\n"),
                ElementsAre("One\ntwo", "Three.", "Vier: Größe.", "五"));
    EXPECT_THAT(blocks("old\rmac\r\rfile"), ElementsAre("old\nmac", "file"));
    EXPECT_THAT(blocks("bell\x07 tab\tend"), ElementsAre("bell  tab end"));
}

TEST(Documents, KeepsTheStringsOfAnObjectTogetherWithTheirKeys) {
    EXPECT_THAT(
        blocks(
            R"({"name": "Ada", "birth_year": 1815, "happy": true, "none": null, "tags": ["a", "b"]})"),
        ElementsAre("name: Ada\nbirth year: 1815\nhappy: true\ntags: a, b"));
    EXPECT_THAT(
        blocks(
            R"({"z": {"city": "Arn", "a": {"street": "Dock 3"}}, "friends": [{"name": "Bo"}, {"name": "Cy"}]})"),
        ElementsAre(
            "z, city: Arn\nz, a, street: Dock 3\nfriends 1, name: Bo\nfriends 2, name: Cy"));
    EXPECT_THAT(blocks(R"(["one", "two"])"), ElementsAre("one, two"));
    EXPECT_THAT(blocks(R"("just a string")", "x.JSON"), ElementsAre("just a string"));
}

TEST(Documents, SplitsALargeObjectAtItsMembers) {
    const std::string prose(1000, 'x');
    EXPECT_THAT(blocks(R"({"title": "T", "mars": {"text": ")" + prose +
                       R"(", "moons": 2, "more": {"a": "b"}}, "year": 1})"),
                ElementsAre("title: T\nyear: 1", "mars\ntext: " + prose + "\nmoons: 2",
                            "mars, more, a: b"));
    EXPECT_THAT(blocks("[\"" + prose + "\", {\"a\": 1}, [\"" + prose + "\"]]"),
                ElementsAre(prose, "a: 1", prose));
    EXPECT_THAT(blocks("{\"t\": \"" + prose + "\\n\\nsecond\"}"),
                ElementsAre("t: " + prose, "second"));
}

TEST(Documents, KeepsRepeatedKeysAndOddOnes) {
    EXPECT_THAT(blocks(R"({"a": "1", "a": "2", "": "3", " b_c ": "4"})"),
                ElementsAre("a: 1\na: 2\n3\nb c: 4"));
    EXPECT_THAT(blocks(R"({"a": "nul \u0000 and \u001b[31m", "\u0000": 2})"),
                ElementsAre("a: nul   and  [31m\n2"));
}

TEST(Documents, TakesTextThatStartsLikeJsonForText) {
    EXPECT_THAT(blocks("[Chapter one]\nIt rained."), ElementsAre("[Chapter one]\nIt rained."));
    EXPECT_THAT(blocks("{\"a\": 1}", "notes.txt"), ElementsAre("{\"a\": 1}"));
    EXPECT_THAT(blocks("{\"a\": 1}", "upload"), ElementsAre("a: 1"));
}

TEST(Documents, RefusesWhatItCannotRead) {
    EXPECT_EQ(error(""), "holds no text");
    EXPECT_EQ(error(" \n\n\t"), "holds no text");
    EXPECT_EQ(error("{}", "x.json"), "holds no text");
    EXPECT_EQ(error("caf\xE9"), "must be a TXT or JSON file in UTF-8");
    EXPECT_EQ(error(std::string_view("a\0b", 3)), "must be a TXT or JSON file in UTF-8");
    EXPECT_EQ(error("\xFF\xFEh\0i\0"), "must be a TXT or JSON file in UTF-8");
    EXPECT_EQ(error("%PDF-1.7 text"), "must be a TXT or JSON file in UTF-8");
    EXPECT_EQ(error("{\"a\": 1,\n \"b\" 2}", "x.json"), "is not valid JSON (line 2)");
    EXPECT_EQ(error("{\"a\": \"\\ud800\"}", "x.json"), "is not valid JSON (line 1)");
    EXPECT_EQ(error("", "x.json"), "is not valid JSON (line 1)");
    EXPECT_EQ(error("1 2", "x.json"), "is not valid JSON (line 1)");
}

TEST(Documents, BoundsHostileJson) {
    EXPECT_EQ(error(std::string(1000000, '['), "x.json"), "is nested more than 64 levels deep");
    std::string nested = "1";
    for (int i = 0; i < 65; ++i) nested = "{\"a\":" + nested + "}";
    EXPECT_EQ(error(nested, "x.json"), "is nested more than 64 levels deep");
    std::string many = "[";
    for (int i = 0; i < 1000001; ++i) many += "0,";
    EXPECT_EQ(error(many + "0]", "x.json"), "has more than 1000000 values");
    EXPECT_EQ(read_document(std::string((32U << 20) + 1, 'a')).error().kind, ErrorKind::TooLarge);
    // A hundred thousand keys take no quadratic time.
    std::string keys = "{";
    for (int i = 0; i < 100000; ++i) keys += std::format("\"k{}\":\"v\",", i);
    EXPECT_EQ(blocks(keys + "\"last\":\"v\"}").size(), 1U);
    // A number that no machine holds is text as it stands.
    EXPECT_THAT(blocks(R"({"n": 1234567890123456789012345678901234567890, "e": 1e300})"),
                ElementsAre("n: 1234567890123456789012345678901234567890\ne: 1e300"));
}

TEST(Documents, KeepsAHeadingWithItsParagraph) {
    const auto document =
        read_document("The light\n\nIt was built in 1871.\n\nIt is white.\n\nTHE END");
    ASSERT_TRUE(document);
    EXPECT_EQ(document->blocks, (std::vector<std::string>{"The light\nIt was built in 1871.",
                                                          "It is white.", "THE END"}));
}

}  // namespace
}  // namespace titans::knowledge
