#include "voice/f5tts/f5_voice.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "voice/f5tts/mel.h"

namespace titans::voice::f5tts {
namespace {

VoiceSample tone(float level, double seconds, SampleRate rate = kRate) {
    std::vector<float> samples;
    const auto count = static_cast<std::size_t>(seconds * rate.hz);
    for (std::size_t i = 0; i < count; ++i)
        samples.push_back(level * std::sin(0.05F * static_cast<float>(i)));
    return {.excerpt = {.audio = {rate, std::move(samples)}, .note = "all but the end"},
            .transcript = "Hello there"};
}

TEST(F5Voice, KnowsTheRecordingsSoundAndWords) {
    const auto voice = F5Voice::learn(tone(0.5F, 2), 0.1F);
    ASSERT_TRUE(voice) << voice.error().message;
    EXPECT_EQ((*voice)->text(), "Hello there. ");
    EXPECT_EQ((*voice)->note(), "all but the end");
    EXPECT_EQ((*voice)->samples(), 48'000);
    EXPECT_EQ((*voice)->mel().size(), (1 + 48'000 / 256) * 100);
    EXPECT_EQ((*voice)->gain(), 1);
}

TEST(F5Voice, IsBroughtToTheNetworksRate) {
    const auto voice = F5Voice::learn(tone(0.5F, 2, SampleRate{48'000}), 0.1F);
    ASSERT_TRUE(voice);
    EXPECT_EQ((*voice)->samples(), 48'000);
}

TEST(F5Voice, IsRaisedWhereItIsQuietAndWillSpeakAsQuietly) {
    const auto quiet = F5Voice::learn(tone(0.01F, 2), 0.1F);
    const auto loud = F5Voice::learn(tone(0.1F * std::sqrt(2.0F), 2), 0.1F);
    ASSERT_TRUE(quiet && loud);
    EXPECT_NEAR((*quiet)->gain(), 0.0707, 1e-4);
    for (std::size_t i = 0; i < (*quiet)->mel().size(); ++i) {
        // Softer than that, what single precision rounds is to be seen.
        if ((*loud)->mel()[i] < -6) continue;
        EXPECT_NEAR((*quiet)->mel()[i], (*loud)->mel()[i], 0.01) << i;
    }
}

TEST(F5Voice, ReadsWhatItWrote) {
    const auto voice = F5Voice::learn(tone(0.05F, 1), 0.1F);
    ASSERT_TRUE(voice);
    const auto again = F5Voice::read((*voice)->bytes());
    ASSERT_TRUE(again);
    EXPECT_EQ((*again)->text(), (*voice)->text());
    EXPECT_EQ((*again)->note(), (*voice)->note());
    EXPECT_EQ((*again)->samples(), (*voice)->samples());
    EXPECT_EQ((*again)->gain(), (*voice)->gain());
    EXPECT_TRUE(std::ranges::equal((*again)->mel(), (*voice)->mel()));
}

TEST(F5Voice, RefusesDamagedBytes) {
    const auto voice = F5Voice::learn(tone(0.05F, 1), 0.1F);
    ASSERT_TRUE(voice);
    const std::vector<std::byte> bytes = (*voice)->bytes();
    EXPECT_FALSE(F5Voice::read({}));
    EXPECT_FALSE(F5Voice::read(std::span(bytes).first(bytes.size() - 1)));
    for (std::size_t i = 0; i < 40; ++i) {
        // Another gain or length, or some samples more, would be as good.
        if (i >= 4 && i <= 16) continue;
        std::vector<std::byte> wrong = bytes;
        wrong[i] ^= std::byte{0xC0};
        EXPECT_FALSE(F5Voice::read(wrong)) << i;
    }
}

TEST(F5Voice, NeedsSoundAndWords) {
    const auto refused = [](VoiceSample sample) {
        const auto voice = F5Voice::learn(sample, 0.1F);
        return !voice && voice.error().kind == ErrorKind::InvalidInput;
    };
    EXPECT_TRUE(refused(tone(0.5F, 0.04)));
    EXPECT_TRUE(refused(tone(0, 2)));
    VoiceSample wordless = tone(0.5F, 2);
    wordless.transcript = " \n";
    EXPECT_TRUE(refused(wordless));
}

}  // namespace
}  // namespace titans::voice::f5tts
