#include "hearing/whisper/token_rules.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hearing/whisper/tiny_model_for_test.h"

namespace titans::hearing::whisper {
namespace {

class WhisperRules : public testing::Test {
protected:
    /// The logits after the rules; all 0 before, but for `likely`, which is 5.
    std::vector<float> apply(Timestamps timestamps, const std::vector<int>& written,
                             int likely = 'a' - '!') {
        std::vector<float> logits(static_cast<std::size_t>(vocabulary.size()));
        logits[static_cast<std::size_t>(likely)] = 9;
        TokenRules(vocabulary, timestamps).apply(logits, written);
        return logits;
    }
    bool allows(const std::vector<float>& logits, int id) {
        return std::isfinite(logits[static_cast<std::size_t>(id)]);
    }
    int time(int steps) const { return vocabulary.first_timestamp() + steps; }

    const Vocabulary vocabulary = load_tiny_vocabulary();
    const int text = 258;
};

TEST_F(WhisperRules, AllowTextWithoutCaptions) {
    const auto logits = apply(Timestamps::No, {text});
    EXPECT_TRUE(allows(logits, text));
    EXPECT_TRUE(allows(logits, 220));
    EXPECT_TRUE(allows(logits, vocabulary.end()));
    EXPECT_FALSE(allows(logits, '(' - '!'));
    EXPECT_FALSE(allows(logits, vocabulary.start()));
    EXPECT_FALSE(allows(logits, vocabulary.no_speech()));
    EXPECT_FALSE(allows(logits, vocabulary.no_timestamps()));
    EXPECT_FALSE(allows(logits, time(0)));
    EXPECT_FALSE(allows(logits, time(50)));
}

TEST_F(WhisperRules, LetNoTextBeginWithASpaceOrItsEnd) {
    const auto logits = apply(Timestamps::No, {});
    EXPECT_FALSE(allows(logits, 220));
    EXPECT_FALSE(allows(logits, vocabulary.end()));
    EXPECT_TRUE(allows(logits, text));
}

TEST_F(WhisperRules, BeginWithATime) {
    const auto logits = apply(Timestamps::Yes, {});
    EXPECT_FALSE(allows(logits, text));
    EXPECT_TRUE(allows(logits, time(0)));
    EXPECT_TRUE(allows(logits, time(50)));
}

TEST_F(WhisperRules, PairTimes) {
    // A stretch that has begun goes on with text.
    auto logits = apply(Timestamps::Yes, {time(3)});
    EXPECT_TRUE(allows(logits, text));
    EXPECT_FALSE(allows(logits, time(9)));
    // One that has ended is followed by the beginning of the next or by the end.
    logits = apply(Timestamps::Yes, {time(3), text, time(9)}, vocabulary.end());
    EXPECT_FALSE(allows(logits, text));
    EXPECT_TRUE(allows(logits, vocabulary.end()));
    EXPECT_TRUE(allows(logits, time(9)));
    EXPECT_FALSE(allows(logits, time(8)));
    logits = apply(Timestamps::Yes, {time(3), text, time(9), time(9)});
    EXPECT_TRUE(allows(logits, text));
    EXPECT_FALSE(allows(logits, time(20)));
}

TEST_F(WhisperRules, LetTimeNotGoBack) {
    const auto logits = apply(Timestamps::Yes, {time(3), text});
    EXPECT_TRUE(allows(logits, text));
    EXPECT_FALSE(allows(logits, time(3)));
    EXPECT_TRUE(allows(logits, time(4)));
}

TEST_F(WhisperRules, TakeATimeIfTimesTogetherAreLikelier) {
    std::vector<float> logits(static_cast<std::size_t>(vocabulary.size()));
    logits[static_cast<std::size_t>(text)] = 3.5F;  // exp(3.5) = 33; there are 47 times left
    TokenRules(vocabulary, Timestamps::Yes).apply(logits, std::vector{time(3), text});
    EXPECT_FALSE(allows(logits, text));
    EXPECT_TRUE(allows(logits, time(4)));
    std::ranges::fill(logits, 0);
    logits[static_cast<std::size_t>(text)] = 4;  // exp(4) = 55
    TokenRules(vocabulary, Timestamps::Yes).apply(logits, std::vector{time(3), text});
    EXPECT_TRUE(allows(logits, text));
}

}  // namespace
}  // namespace titans::hearing::whisper
