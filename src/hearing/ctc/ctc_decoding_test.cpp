#include "hearing/ctc/ctc_decoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace titans::hearing::ctc {
namespace {

Vocabulary vocabulary() {
    return {.tokens = {"_", "|", "A", "B", "I", "'", "M", "<unk>", "É"},
            .blank = 0,
            .delimiter = 1,
            .is_special = {false, false, false, false, false, false, false, true, false}};
}

/// "A__|B": a token a frame.
std::vector<Choice> choices(std::string_view spelled) {
    std::vector<Choice> made;
    for (const char letter : spelled) {
        const auto tokens = vocabulary().tokens;
        const auto found = std::ranges::find(tokens, std::string(1, letter));
        made.push_back({letter == '?' ? 7 : static_cast<int>(found - tokens.begin()), 1});
    }
    return made;
}

std::string text(std::string_view spelled) {
    std::string joined;
    for (const Word& word : spell(choices(spelled), vocabulary(), Milliseconds(20)))
        joined += (joined.empty() ? "" : " ") + word.text;
    return joined;
}

TEST(CtcDecoding, ChoosesTheLikeliestTokenOfEachFrame) {
    std::vector<Choice> chosen;
    choose(std::vector<float>{0, 0, 0, 0, 1000, 1000 + std::log(3.0F), 990, -1e30F}, 4, chosen);
    ASSERT_EQ(chosen.size(), 2U);
    EXPECT_EQ(chosen[0].token, 0);
    EXPECT_FLOAT_EQ(chosen[0].probability, 0.25F);
    EXPECT_EQ(chosen[1].token, 1);
    EXPECT_NEAR(chosen[1].probability, 0.75F, 1e-4);
}

TEST(CtcDecoding, TakesRepeatedTokensForOneUnlessABlankIsBetween) {
    EXPECT_EQ(text("AAABB"), "AB");
    EXPECT_EQ(text("_AA_A_B_"), "AAB");
}

TEST(CtcDecoding, EndsWordsAtDelimitersHoweverMany) {
    EXPECT_EQ(text("||A||_|BB|A_|"), "A B A");
    EXPECT_EQ(text("|_|"), "");
    EXPECT_EQ(text(""), "");
}

TEST(CtcDecoding, LeavesSpecialTokensOut) { EXPECT_EQ(text("A?A?|?|B"), "AA B"); }

TEST(CtcDecoding, SaysWhenAWordWasSaid) {
    const auto words = spell(choices("__AA_B_|_|B"), vocabulary(), Milliseconds(20));
    ASSERT_EQ(words.size(), 2U);
    EXPECT_EQ(words[0].begin, Milliseconds(40));
    EXPECT_EQ(words[0].end, Milliseconds(120));
    EXPECT_EQ(words[1].begin, Milliseconds(200));
    EXPECT_EQ(words[1].end, Milliseconds(220));
}

TEST(CtcDecoding, IsAsSureOfAWordAsOfItsLetters) {
    auto made = choices("AA_B|B");
    made[0].probability = 0.5F;
    made[1].probability = 0.7F;
    made[3].probability = 0.2F;
    const auto words = spell(made, vocabulary(), Milliseconds(20));
    ASSERT_EQ(words.size(), 2U);
    EXPECT_FLOAT_EQ(words[0].confidence, 0.4F);
    EXPECT_FLOAT_EQ(words[1].confidence, 1);
}

std::vector<std::string> readable(std::vector<std::string> texts, const Vocabulary& vocabulary,
                                  const std::string& language) {
    std::vector<Word> words;
    for (std::string& text : texts) words.push_back({.text = std::move(text)});
    write_readably(words, vocabulary, language);
    std::vector<std::string> written;
    for (Word& word : words) written.push_back(std::move(word.text));
    return written;
}

TEST(CtcDecoding, WritesCapitalsOnlyAsASentence) {
    using testing::ElementsAre;
    EXPECT_THAT(readable({"ÉA", "I'M", "I", "IB"}, vocabulary(), "en"),
                ElementsAre("Éa", "I'm", "I", "ib"));
    EXPECT_THAT(readable({"BA", "I"}, vocabulary(), "pl"), ElementsAre("Ba", "i"));
    EXPECT_TRUE(readable({}, vocabulary(), "en").empty());
}

TEST(CtcDecoding, LeavesTheCaseThatAModelKnows) {
    using testing::ElementsAre;
    Vocabulary both = vocabulary();
    both.tokens.emplace_back("a");
    both.is_special.push_back(false);
    EXPECT_THAT(readable({"Ba", "I"}, both, "en"), ElementsAre("Ba", "I"));
    both.lowers_case = true;
    EXPECT_THAT(readable({"Ba", "AB"}, both, ""), ElementsAre("ba", "ab"));
}

}  // namespace
}  // namespace titans::hearing::ctc
