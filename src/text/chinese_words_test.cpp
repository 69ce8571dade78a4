#include "text/chinese_words.h"

#include <gmock/gmock.h>

#include <fstream>

#include "foundation/temporary_folder_for_test.h"

namespace titans::text {
namespace {

using testing::ElementsAre;

TEST(ChineseWords, CutByTheLikeliestPathThroughTheDictionary) {
    const auto words = ChineseWords::open({});
    ASSERT_TRUE(words) << words.error().detail;
    EXPECT_THAT(words->cut("行人走在人行道上，银行门口"),
                ElementsAre("行人", "走", "在", "人行道", "上", "，", "银行", "门口"));
}

TEST(ChineseWords, MakeWordsOfCharactersThatTheDictionaryHasNotTogether) {
    const auto words = ChineseWords::open({});
    ASSERT_TRUE(words) << words.error().detail;
    EXPECT_THAT(words->cut("覃斌飞说"), ElementsAre("覃斌", "飞", "说"));
}

TEST(ChineseWords, KeepLettersWithIdeographsWhereTheDictionaryDoes) {
    const auto words = ChineseWords::open({});
    ASSERT_TRUE(words) << words.error().detail;
    EXPECT_THAT(words->cut("去4S店办IC卡"), ElementsAre("去", "4S店", "办", "IC卡"));
}

TEST(ChineseWords, KeepVersionsAndPercentagesWhole) {
    EXPECT_THAT(
        ChineseWords().cut("v1.2-rc3 10.5%! a_b- C++ +++"),
        ElementsAre("v1.2-rc3", " ", "10.5%", "!", " ", "a_b", "-", " ", "C++", " ", "+++"));
}

TEST(ChineseWords, CutAllElseByCharacter) {
    EXPECT_THAT(ChineseWords().cut("né \r\nか🎉"), ElementsAre("n", "é", " ", "\r\n", "か", "🎉"));
}

TEST(ChineseWords, RefuseFilesThatAreNotWhatTheyShouldBe) {
    const TemporaryFolder folder;
    const auto write = [&](const char* name, std::string_view text) {
        std::ofstream(folder.path() / name) << text;
        return folder.path() / name;
    };
    EXPECT_FALSE(ChineseWords::open({.dictionary = "/nowhere/words"}));
    EXPECT_FALSE(ChineseWords::open({.positions = "/nowhere/positions"}));
    EXPECT_FALSE(ChineseWords::open({.dictionary = write("empty", "")}));
    EXPECT_FALSE(ChineseWords::open({.dictionary = write("no_numbers", "word\n")}));
    EXPECT_FALSE(ChineseWords::open({.dictionary = write("no_word", " 12 n\n")}));
    EXPECT_FALSE(ChineseWords::open({.dictionary = write("blank", "word 12\n\n")}));
    EXPECT_FALSE(ChineseWords::open({.positions = write("short", "1 2 3 4\n")}));
    EXPECT_FALSE(ChineseWords::open({.positions = write("letters", "a b c d\n")}));
    const auto refused = ChineseWords::open({.dictionary = write("zero", "word many\n")});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Unsupported);
    EXPECT_FALSE(refused.error().message.contains("zero"));
}

}  // namespace
}  // namespace titans::text
