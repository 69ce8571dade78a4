#include "text/wordpiece.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::text {
namespace {

using testing::ElementsAre;

const std::vector<std::string> kTokens{
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]",   "light", "##house", "##s",
    "house", "!",     "ecole", "École", "北",       "##b",   "a",       "b",
    "ab",    "i",     "##i",   "$",     "##\u0307", "école", "e",       "##\u0301"};

/// The pieces of `text`, without those around it.
std::vector<std::string> cut(std::string_view text, const WordPiece::Options& options = {},
                             std::size_t most = 64) {
    const auto pieces = WordPiece::open(kTokens, options);
    EXPECT_TRUE(pieces) << pieces.error().message;
    std::vector<std::string> words;
    for (const std::int32_t id : pieces->encode(text, most))
        words.push_back(kTokens[static_cast<std::size_t>(id)]);
    EXPECT_EQ(words.front(), "[CLS]");
    EXPECT_EQ(words.back(), "[SEP]");
    return {words.begin() + 1, words.end() - 1};
}

std::string repeat(std::string_view text, int times) {
    std::string all;
    for (int i = 0; i < times; ++i) all += text;
    return all;
}

TEST(WordPiece, TakesTheLongestPieceAndGoesOn) {
    EXPECT_THAT(cut("lighthouses light houses"),
                ElementsAre("light", "##house", "##s", "light", "house", "##s"));
    EXPECT_THAT(cut(""), ElementsAre());
    EXPECT_THAT(cut(" \n\t "), ElementsAre());
}

TEST(WordPiece, CallsAWordUnknownAsAWhole) {
    EXPECT_THAT(cut("light lighthousex light"), ElementsAre("light", "[UNK]", "light"));
    EXPECT_THAT(cut("house" + repeat("s", 95), {}, 128).size(), 96);
    EXPECT_THAT(cut("house" + repeat("s", 96)), ElementsAre("[UNK]"));
}

TEST(WordPiece, CutsAtPunctuationWhichIncludesAsciiSymbols) {
    EXPECT_THAT(cut("light!house$a—b"), ElementsAre("light", "!", "house", "$", "a", "[UNK]", "b"));
    EXPECT_THAT(cut("a\u20ACb"), ElementsAre("[UNK]"));  // the euro sign is a symbol
}

TEST(WordPiece, LeavesOutControlsAndCutsAtWhiteSpace) {
    EXPECT_THAT(cut(std::string_view("a\0b", 3)), ElementsAre("ab"));
    EXPECT_THAT(cut("a\u00ADb a\u200Bb a\u0085b a\uFFFD\uE000b a\xFF"
                    "b"),
                ElementsAre("ab", "ab", "ab", "ab", "ab"));
    EXPECT_THAT(cut("a\u00A0b\u3000a\u2028b\ta"), ElementsAre("a", "b", "a", "b", "a"));
}

TEST(WordPiece, WritesSmallAndStripsAccentsAsItIsTold) {
    const std::string composed = "École";
    const std::string decomposed = "E\u0301cole";
    EXPECT_THAT(cut(composed), ElementsAre("ecole"));
    EXPECT_THAT(cut(decomposed), ElementsAre("ecole"));
    EXPECT_THAT(cut(composed, {.lower_case = false, .strip_accents = false}), ElementsAre("École"));
    EXPECT_THAT(cut(composed, {.strip_accents = false}), ElementsAre("école"));
    EXPECT_THAT(cut("e\u0301", {.strip_accents = false}), ElementsAre("e", "##\u0301"));
    EXPECT_THAT(cut("\u0130"), ElementsAre("i"));
    EXPECT_THAT(cut("\u0130", {.strip_accents = false}), ElementsAre("i", "##\u0307"));
}

TEST(WordPiece, SetsIdeographsApart) {
    EXPECT_THAT(cut("a北b"), ElementsAre("a", "北", "b"));
    EXPECT_THAT(cut("a北b", {.split_ideographs = false}), ElementsAre("[UNK]"));
}

TEST(WordPiece, KnowsSpecialTokensInTheText) {
    EXPECT_THAT(cut("a[SEP]b[MASK][sep]"),
                ElementsAre("a", "[SEP]", "b", "[MASK]", "[UNK]", "[UNK]", "[UNK]"));
}

TEST(WordPiece, GivesNoMoreThanItIsAskedFor) {
    EXPECT_THAT(cut("lighthouses light", {}, 4), ElementsAre("light", "##house"));
    EXPECT_THAT(cut("light", {}, 2), ElementsAre());
    EXPECT_THAT(cut(repeat("light ", 1'000'000), {}, 5), ElementsAre("light", "light", "light"));
}

TEST(WordPiece, CutsWhatHasNoSpacesAsIfItWereShort) {
    // Longer than what is decomposed at once, wherever that is cut.
    for (int before = 1020; before < 1030; ++before) {
        std::string text = repeat("!", before);
        text += "E\u0301cole\u0301\u0301!";
        const auto words = cut(text, {}, 4096);
        ASSERT_EQ(words.size(), static_cast<std::size_t>(before) + 2) << before;
        EXPECT_EQ(words[static_cast<std::size_t>(before)], "ecole") << before;
    }
    EXPECT_THAT(cut(repeat("é", 100'000)), ElementsAre("[UNK]"));
}

TEST(WordPiece, RefusesAVocabularyWithoutSpecialTokens) {
    const auto refused = WordPiece::open({"[PAD]", "[UNK]", "[CLS]"}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::Unsupported);
    EXPECT_THAT(refused.error().message, testing::HasSubstr("[SEP]"));
}

}  // namespace
}  // namespace titans::text
