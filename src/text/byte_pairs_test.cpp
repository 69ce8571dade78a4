#include "text/byte_pairs.h"

#include <gtest/gtest.h>

#include "text/utf8.h"

namespace titans::text {
namespace {

/// The 256 bytes in GPT-2's order, then some merges.
std::vector<std::string> vocabulary(std::vector<std::string> merges) {
    std::vector<std::string> tokens;
    std::vector<std::string> rest;
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
        const bool printed =
            (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
        std::string spelled;
        append(spelled, printed ? static_cast<char32_t>(byte) : next++);
        (printed ? tokens : rest).push_back(spelled);
    }
    tokens.insert(tokens.end(), rest.begin(), rest.end());
    tokens.insert(tokens.end(), merges.begin(), merges.end());
    return tokens;
}

std::vector<std::string> pieces(const BytePairs& pairs, std::string_view text) {
    std::vector<std::string> made;
    for (const int id : pairs.encode(text)) made.emplace_back(pairs.bytes(id));
    return made;
}

using Pieces = std::vector<std::string>;

TEST(BytePairs, MergesTheEarliestFirst) {
    const auto pairs = BytePairs::make(vocabulary({"Ġt", "he", "Ġthe", "in", "at", "hat"}));
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pieces(*pairs, "the hat in the bin"),
              (Pieces{"t", "he", " ", "hat", " ", "in", " the", " ", "b", "in"}));
    EXPECT_EQ(pairs->encode(" the"), (std::vector<int>{258}));
    EXPECT_TRUE(pairs->encode("").empty());
}

TEST(BytePairs, SpellsBytesOfAnyScript) {
    const auto pairs = BytePairs::make(vocabulary({"ĠØ", "Ã©"}));
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pieces(*pairs, "é س"), (Pieces{"é", " \xD8", "\xB3"}));
    for (const std::string_view text : {" Titán’s  «ok»\n\n42 °C", "你好， 世界\t!"}) {
        std::string back;
        for (const int id : pairs->encode(text)) back += pairs->bytes(id);
        EXPECT_EQ(back, text);
    }
}

TEST(BytePairs, MergesNothingAcrossWordsNumbersAndMarks) {
    const auto pairs = BytePairs::make(
        vocabulary({"ab", "b1", "1!", "!a", "ĠĠ", "Ġa", "it", "it'", "'s", "ĠĠĠ", "s'"}));
    ASSERT_TRUE(pairs);
    EXPECT_EQ(pieces(*pairs, "ab1!ab"), (Pieces{"ab", "1", "!", "ab"}));
    EXPECT_EQ(pieces(*pairs, "it's"), (Pieces{"it", "'s"}));
    EXPECT_EQ(pieces(*pairs, "   a   "), (Pieces{"  ", " a", "   "}));
    EXPECT_EQ(pieces(*pairs, "a\nb"), (Pieces{"a", "\n", "b"}));
}

TEST(BytePairs, RefusesAVocabularyOfAnotherKind) {
    EXPECT_FALSE(BytePairs::make(vocabulary({"日"})));
    EXPECT_FALSE(BytePairs::make(std::vector<std::string>{"a", "b"}));
}

}  // namespace
}  // namespace titans::text
