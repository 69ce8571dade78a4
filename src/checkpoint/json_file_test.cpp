#include "checkpoint/json_file.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

TEST(JsonFile, ReadsWhatIsNoDeeperThanAllowed) {
    EXPECT_TRUE(parse_json("1", 0));
    EXPECT_TRUE(parse_json("[[1]]", 2));
    EXPECT_FALSE(parse_json("[[1]]", 1));
    EXPECT_FALSE(parse_json(R"({"a":{"b":[]}})", 2));
    EXPECT_FALSE(parse_json(std::string(1'000'000, '['), 8));
}

TEST(JsonFile, RefusesAKeyThatStandsTwice) {
    EXPECT_FALSE(parse_json(R"({"a":1,"a":2})", 8));
    EXPECT_FALSE(parse_json(R"([{"x":{"a":1,"a":2}}])", 8));
    EXPECT_TRUE(parse_json(R"([{"a":1},{"a":{"a":2}}])", 8));
}

TEST(JsonFile, RefusesWhatIsNotJson) {
    for (const auto* const text : {"", "{", "nonsense", "[1,]", "{} {}", "\xff"})
        EXPECT_FALSE(parse_json(text, 8)) << text;
}

TEST(JsonFile, ReadsAConfigurationAndNamesTheFileThatIsWrong) {
    const test::Folder folder;
    folder.write("config.json", R"({"a":1})");
    folder.write("list.json", "[1]");
    folder.write("large.json", "\"" + std::string(2 << 20, 'x') + "\"");
    EXPECT_TRUE(read_config(folder / "config.json"));
    EXPECT_EQ(read_config(folder / "list.json").error().message, "list.json: is not a JSON object");
    EXPECT_EQ(read_config(folder / "large.json").error().message, "large.json: is too large");
    EXPECT_EQ(read_config(folder / "none.json").error().kind, ErrorKind::NotFound);
    EXPECT_EQ(read_config(folder / "").error().kind, ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace titans::checkpoint
