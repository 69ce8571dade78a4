#include "hearing/whisper/token_choice.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

namespace titans::hearing::whisper {
namespace {

TEST(TokenChoice, TakesTheLikeliestThatIsAllowed) {
    std::mt19937 random;
    const std::vector<float> logits{0, 5, 3, 4};
    EXPECT_EQ(choose_token(logits, {true, true, true, true}, 0, random).id, 1);
    const ChosenToken chosen = choose_token(logits, {true, false, true, true}, 0, random);
    EXPECT_EQ(chosen.id, 3);
    EXPECT_NEAR(chosen.log_probability, -std::log(1 + std::exp(-1.0) + std::exp(-4.0)), 1e-6);
}

TEST(TokenChoice, DrawsByProbabilityAndNeverWhatIsNotAllowed) {
    std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same draws in every run
    const std::vector<float> logits{std::log(0.1F), 9, std::log(0.6F), std::log(0.3F)};
    std::vector<int> counts(4);
    for (int i = 0; i < 10'000; ++i) {
        ++counts[static_cast<std::size_t>(
            choose_token(logits, {true, false, true, true}, 1, random).id)];
    }
    EXPECT_NEAR(counts[0], 1000, 120);
    EXPECT_EQ(counts[1], 0);
    EXPECT_NEAR(counts[2], 6000, 200);
    EXPECT_NEAR(counts[3], 3000, 200);
}

TEST(TokenChoice, KnowsTheMarksOfCaptions) {
    for (const char* mark : {"(", " (", "[", " [", "♪", " ♪♪", "*", " -", "--", "{{"})
        EXPECT_TRUE(is_caption_mark(mark)) << mark;
    for (const char* word : {"", " ", "-", "'", "'s", " the", ".", ",", "?", "!", "(a", "你"}) {
        EXPECT_FALSE(is_caption_mark(word)) << word;
    }
}

TEST(TokenChoice, SeesCircles) {
    std::vector<int> different(40);
    std::iota(different.begin(), different.end(), 0);
    EXPECT_FALSE(goes_in_circles(different));
    std::vector<int> circle(40);
    for (std::size_t i = 0; i < circle.size(); ++i) circle[i] = static_cast<int>(i % 8);
    EXPECT_TRUE(goes_in_circles(circle));
    EXPECT_FALSE(goes_in_circles(std::span(circle).first(31)))
        << "a short answer may repeat itself";
}

}  // namespace
}  // namespace titans::hearing::whisper
