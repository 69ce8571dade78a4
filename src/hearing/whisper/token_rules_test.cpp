#include "hearing/whisper/token_rules.h"

#include <gtest/gtest.h>

#include <cmath>

#include "hearing/whisper/tiny_model_for_test.h"

namespace titans::hearing::whisper {
namespace {

class WhisperRules : public testing::Test {
protected:
    /// Logits of 0 after the rules.
    std::vector<float> apply(const std::vector<int>& written) {
        std::vector<float> logits(static_cast<std::size_t>(vocabulary.size()));
        TokenRules(vocabulary).apply(logits, written);
        return logits;
    }
    bool allows(const std::vector<float>& logits, int id) {
        return std::isfinite(logits[static_cast<std::size_t>(id)]);
    }

    const Vocabulary vocabulary = load_tiny_vocabulary();
    const int text = 258;
};

TEST_F(WhisperRules, AllowTextWithoutCaptionsAndTimes) {
    const auto logits = apply({text});
    EXPECT_TRUE(allows(logits, text));
    EXPECT_TRUE(allows(logits, vocabulary.end()));
    EXPECT_FALSE(allows(logits, '(' - '!'));
    EXPECT_FALSE(allows(logits, vocabulary.start()));
    EXPECT_FALSE(allows(logits, vocabulary.no_speech()));
    EXPECT_FALSE(allows(logits, vocabulary.no_timestamps()));
    EXPECT_FALSE(allows(logits, vocabulary.no_timestamps() + 1));
    EXPECT_FALSE(allows(logits, vocabulary.size() - 1));
}

TEST_F(WhisperRules, LetNoTextBeginWithASpaceOrItsEnd) {
    const auto logits = apply({});
    EXPECT_FALSE(allows(logits, 220));
    EXPECT_FALSE(allows(logits, vocabulary.end()));
    EXPECT_TRUE(allows(logits, text));
}

}  // namespace
}  // namespace titans::hearing::whisper
