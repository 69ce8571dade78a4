#include "text/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::text {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

TEST(Words, AreFoldedSoThatSpellingsMeet) {
    WordCutter cutter;
    EXPECT_THAT(cutter.cut("The TITAN, \xEF\xBC\xB4\xEF\xBD\x89tan!"),
                ElementsAre("the", "titan", "titan"));
    EXPECT_THAT(cutter.cut("STRASSE Straße"), ElementsAre("strasse", "strasse"));
    EXPECT_EQ(cutter.cut("cafe\u0301"), cutter.cut("café"));
    EXPECT_THAT(cutter.cut("Aria's l’eau"), ElementsAre("aria", "s", "l", "eau"));
    EXPECT_THAT(cutter.cut("3.5 km in 1969"), ElementsAre("3.5", "km", "in", "1969"));
}

TEST(Words, AreFoundInEveryScript) {
    WordCutter cutter;
    EXPECT_THAT(cutter.cut("كِتَابٌ كتـاب"), ElementsAre("كتاب", "كتاب"));
    EXPECT_THAT(cutter.cut("नमस्ते दुनिया।"), ElementsAre("नमस्ते", "दुनिया"));
    EXPECT_THAT(cutter.cut("สวัสดีชาวโลก"), ElementsAre("สวัสดี", "ชาว", "โลก"));
    EXPECT_THAT(cutter.cut("北京大学。"), Contains("大学"));
    EXPECT_THAT(cutter.cut("Привет, МИР"), ElementsAre("привет", "мир"));
}

TEST(Words, OfIdeographsAreTheirNeighboursWhateverStandsAround) {
    WordCutter cutter;
    EXPECT_THAT(cutter.cut("图书馆"), ElementsAre("图", "图书", "书", "书馆", "馆"));
    EXPECT_THAT(cutter.cut("在图书馆，𠮷a"),
                ElementsAre("在", "在图", "图", "图书", "书", "书馆", "馆", "𠮷", "a"));
    EXPECT_THAT(cutter.cut("猫はテレビ"), ElementsAre("猫", "は", "テレビ"));
    EXPECT_THAT(cutter.cut("한국어 좋아요"), ElementsAre("한국어", "좋아요"));
}

TEST(Words, HoldNoSpacesAndStayShort) {
    WordCutter cutter;
    const auto words = cutter.cut(std::string(100000, 'x') + " \t\n \xC2\xA0 y " +
                                  std::string("\0 z", 3) + " \xFF");
    for (const std::string& word : words) {
        EXPECT_FALSE(word.empty());
        EXPECT_LE(word.size(), 96U);
        EXPECT_EQ(word.find_first_of(std::string_view(" \t\n\0", 4)), std::string::npos);
    }
    EXPECT_THAT(words, Contains("y"));
    EXPECT_THAT(words, Contains("z"));
}

TEST(Words, AreCountedAsAReaderWould) {
    WordCutter cutter;
    EXPECT_EQ(cutter.count("Don't count - the dash, please."), 5U);
    EXPECT_EQ(cutter.count("สวัสดีชาวโลก"), 3U);
    EXPECT_EQ(cutter.count(""), 0U);
}

}  // namespace
}  // namespace titans::text
