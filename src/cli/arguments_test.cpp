#include "cli/arguments.h"

#include <gmock/gmock.h>

namespace titans::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr auto parse = [](std::vector<std::string_view> words) {
    return Arguments::parse(words,
                            {.options = {"out", "name"}, .flags = {"json"}, .most_positional = 2});
};

TEST(Arguments, TellsOptionsFlagsAndTheRestApart) {
    const auto given = parse({"1", "--out", "a.wav", "--json", "Why?", "--name=x=y"});
    ASSERT_TRUE(given);
    EXPECT_THAT(given->positional(), ElementsAre("1", "Why?"));
    EXPECT_EQ(*given->find("out"), "a.wav");
    EXPECT_EQ(*given->find("name"), "x=y");
    EXPECT_TRUE(given->has("json"));
}

TEST(Arguments, WhatWasNotGivenIsNotThere) {
    const auto given = parse({});
    ASSERT_TRUE(given);
    EXPECT_EQ(given->find("out"), nullptr);
    EXPECT_FALSE(given->has("json"));
}

TEST(Arguments, AfterTwoDashesAllIsPositional) {
    const auto given = parse({"--", "--json", "--"});
    ASSERT_TRUE(given);
    EXPECT_FALSE(given->has("json"));
    EXPECT_THAT(given->positional(), ElementsAre("--json", "--"));
}

TEST(Arguments, ASingleDashIsNoOption) {
    const auto given = parse({"-5", "-"});
    ASSERT_TRUE(given);
    EXPECT_THAT(given->positional(), ElementsAre("-5", "-"));
}

TEST(Arguments, NamesWhatIsWrong) {
    EXPECT_THAT(parse({"--nmae", "x"}).error().message, HasSubstr("--nmae"));
    EXPECT_THAT(parse({"--out"}).error().message, HasSubstr("--out"));
    EXPECT_THAT(parse({"--json=1"}).error().message, HasSubstr("--json"));
    EXPECT_THAT(parse({"--out", "a", "--out", "b"}).error().message, HasSubstr("twice"));
    EXPECT_THAT(parse({"1", "2", "third"}).error().message, HasSubstr("third"));
}

}  // namespace
}  // namespace titans::cli
