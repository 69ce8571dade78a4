#include "hearing/whisper/alignment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "hearing/whisper/tiny_model_for_test.h"

namespace titans::hearing::whisper {
namespace {

using testing::ElementsAre;

TEST(Alignment, FindsTheCheapestWay) {
    // The way: (0, 0) (0, 1) (1, 2) (2, 3) (2, 4).
    const std::vector<float> costs{0, 0, 9, 9, 9,  //
                                   9, 9, 0, 9, 9,  //
                                   9, 9, 9, 0, 0};
    EXPECT_THAT(warp(costs, 3, 5), ElementsAre(0, 2, 3));
    EXPECT_THAT(warp(std::vector<float>{1, 2, 3}, 1, 3), ElementsAre(0));
    EXPECT_THAT(warp(std::vector<float>{1, 2, 3}, 3, 1), ElementsAre(0, 0, 0));
}

TEST(Alignment, FindsWhereTokensAreSaid) {
    // Two heads of which the first looks at what is said; rows: two for the beginning, then tokens
    // said at 5, 20 and 33 of 40, and the end. The last ten positions are padding.
    constexpr int kRows = 6;
    constexpr int kPositions = 50;
    const std::vector<int> said{0, 0, 5, 20, 33, 39};
    std::vector<float> shares(2 * kRows * kPositions, 0.004F);
    for (int row = 2; row < kRows; ++row) {
        const int until = row + 1 < kRows ? said[static_cast<std::size_t>(row) + 1] : 40;
        for (int i = said[static_cast<std::size_t>(row)]; i < until; ++i)
            shares[static_cast<std::size_t>(row * kPositions + i)] = 0.05F;
    }
    const std::vector<int> times = token_times(shares, 2, kRows, kPositions, 2, 40);
    ASSERT_EQ(times.size(), 4);
    EXPECT_LE(times[0], 5);
    EXPECT_NEAR(times[1], 20, 2);
    EXPECT_NEAR(times[2], 33, 2);
    EXPECT_NEAR(times[3], 39, 2);
}

TEST(Alignment, SplitsWordsAtSpaces) {
    const Vocabulary vocabulary = load_tiny_vocabulary();
    const std::vector<int> tokens = vocabulary.encode(" the hat, a thing's الا.");
    const auto words = split_words(vocabulary, tokens, "en");
    std::vector<std::string> texts;
    int next = 0;
    for (const WordTokens& word : words) {
        texts.push_back(word.text);
        EXPECT_EQ(word.first, next);
        next += word.count;
    }
    EXPECT_EQ(std::cmp_equal(next, tokens.size()), true);
    EXPECT_THAT(texts, ElementsAre(" the", " hat,", " a", " thing's", " الا."));
}

TEST(Alignment, SplitsCharactersWhereThereAreNoSpaces) {
    const Vocabulary vocabulary = load_tiny_vocabulary();
    const std::vector<int> tokens = vocabulary.encode("你好。");
    std::vector<std::string> texts;
    for (const WordTokens& word : split_words(vocabulary, tokens, "zh")) texts.push_back(word.text);
    EXPECT_THAT(texts, ElementsAre("你", "好。"));
}

}  // namespace
}  // namespace titans::hearing::whisper
