#include "checkpoint/yaml_file.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using nlohmann::json;
using testing::HasSubstr;

std::string why(std::string_view text) {
    const auto parsed = parse_yaml(text);
    return parsed ? "parsed" : parsed.error().message;
}

TEST(YamlFile, ReadsObjectsWithinObjects) {
    const auto parsed = parse_yaml(
        "# a remark\r\n"
        "a:   # of a\r\n"
        "  b: 1\n"
        "\n"
        "  c:\n"
        "      d.e: -2 # two below\n"
        "      f: 'x y'\n"
        "  g: \"\"\n"
        "h: true\n"
        "i: ~\n"
        "j:\n"
        "k: vocos.models.VocosBackbone\n"
        "l: 1e-4");
    ASSERT_TRUE(parsed) << parsed.error().message;
    const json expected{{"a", {{"b", 1}, {"c", {{"d.e", -2}, {"f", "x y"}}}, {"g", ""}}},
                        {"h", true},
                        {"i", nullptr},
                        {"j", nullptr},
                        {"k", "vocos.models.VocosBackbone"},
                        {"l", "1e-4"}};
    EXPECT_EQ(*parsed, expected);
    EXPECT_EQ(*parse_yaml(""), json::object());
}

TEST(YamlFile, RefusesWhatItDoesNotRead) {
    EXPECT_EQ(why("a: 1\na: 2"), "line 2 has a key that is there already");
    EXPECT_EQ(why("a: 1\n  b: 2"), "line 2 is indented like none before it");
    EXPECT_EQ(why(" a: 1"), "line 1 is indented like none before it");
    EXPECT_EQ(why("a:\n    b: 1\n  c: 2"), "line 3 is indented like none before it");
    EXPECT_EQ(why("a:\n\tb: 1"), "line 2 has a control character");
    EXPECT_EQ(why(std::string_view("a: \0", 4)), "line 1 has a control character");
    for (const std::string_view line :
         {"- a", "a", "a:1", ": 1", "---", "{a: 1}", "\"a\": 1", "a b: 1", "? a"}) {
        EXPECT_EQ(why(line), "line 1 is not \"key: value\"") << line;
    }
    for (const std::string_view value :
         {"[1]", "{b: 1}", "&x 1", "*x", "!!int 1", "|", ">", "@b", "'b", "'b'c'", "\"b\\n\"",
          "- 1", "'b # c'", "b: 1", "-x"}) {
        EXPECT_THAT(why("a: " + std::string(value)), HasSubstr("more than a word or a number"))
            << value;
    }
    std::string deep;
    for (int i = 0; i < 9; ++i) deep += std::string(i, ' ') + "a:\n";
    EXPECT_EQ(why(deep), "line 9 nests too deep");
}

TEST(YamlFile, NamesTheFile) {
    const test::Folder folder;
    folder.write("a.yaml", "- 1");
    EXPECT_EQ(read_yaml(folder / "a.yaml").error().message, "a.yaml: line 1 is not \"key: value\"");
    folder.write("a.yaml", std::string(65 << 10, '\n'));
    EXPECT_EQ(read_yaml(folder / "a.yaml").error().message, "a.yaml: is too large");
    EXPECT_EQ(read_yaml(folder / "b.yaml").error().message, "b.yaml: is missing");
}

}  // namespace
}  // namespace titans::checkpoint
