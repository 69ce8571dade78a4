#include "character/listening.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace titans::character {
namespace {

/// Speech is what is not silent.
class LoudDetector final : public hearing::vad::VoiceActivityDetector {
public:
    float step(std::span<const float, hearing::vad::kStep> samples) override {
        return std::ranges::any_of(samples, [](float x) { return x != 0; }) ? 1.0F : 0.0F;
    }
    void reset() override {}
};

/// Hears how long each utterance is, in seconds, in German.
class Stopwatch final : public hearing::SpeechRecognizer {
public:
    SampleRate input_rate() const override { return hearing::vad::kRate; }
    Result<hearing::Transcript> recognize(const audio::Audio& speech,
                                          const hearing::RecognitionOptions& options,
                                          std::stop_token) override {
        languages.push_back(options.language);
        if (fails) return fail(ErrorKind::Internal, "broken");
        return hearing::Transcript{.text = std::format("{:.0f}", speech.duration().count()),
                                   .language = "de",
                                   .confidence = languages.size() == 1 ? 1.0F : 0.2F};
    }

    std::vector<std::string> languages;
    bool fails = false;
};

/// `seconds`: of a tone, where they are positive, and of silence.
audio::Audio make_speech(const std::vector<double>& seconds) {
    std::vector<float> samples;
    for (const double each : seconds) {
        const auto count = static_cast<std::size_t>(std::abs(each) * hearing::vad::kRate.hz);
        for (std::size_t i = 0; i < count; ++i)
            samples.push_back(each > 0 ? (i % 2 == 0 ? 0.3F : -0.3F) : 0.0F);
    }
    return {hearing::vad::kRate, std::move(samples)};
}

Result<Heard> hear(Stopwatch& ears, const SttSettings& settings,
                   const std::vector<double>& seconds) {
    return listen(ears, std::make_unique<LoudDetector>(), settings, make_speech(seconds), {});
}

TEST(Listening, JoinsWhatIsSaidBetweenSilences) {
    Stopwatch ears;
    const auto heard = hear(ears, {}, {-1, 4, -3, 2, -3});
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->transcript.text, "5 3");  // with a little of what is around
    EXPECT_EQ(heard->transcript.language, "de");
    EXPECT_NEAR(heard->transcript.confidence, (5 * 1.0 + 3 * 0.2) / (5 + 3), 0.05);
    EXPECT_FALSE(heard->split);
    EXPECT_THAT(ears.languages, testing::ElementsAre("auto", "de"));
}

TEST(Listening, SaysThatSomebodySpokeForTooLong) {
    Stopwatch ears;
    const auto heard = hear(ears, {.max_seconds = 5}, {12});
    ASSERT_TRUE(heard);
    EXPECT_TRUE(heard->split);
    EXPECT_GE(ears.languages.size(), 3U);
}

TEST(Listening, HearsNothingInSilenceOrInWhatIsTooShortOrTooQuiet) {
    Stopwatch ears;
    EXPECT_EQ(hear(ears, {}, {-5})->transcript.text, "");
    EXPECT_EQ(hear(ears, {.min_seconds = 1}, {-1, 0.5, -3})->transcript.text, "");
    EXPECT_EQ(hear(ears, {.threshold = 0.5F}, {-1, 3, -3})->transcript.text, "");
    EXPECT_EQ(hear(ears, {}, {})->transcript.text, "");
    EXPECT_TRUE(ears.languages.empty());
}

TEST(Listening, PassesOnWhatFails) {
    Stopwatch ears;
    ears.fails = true;
    EXPECT_EQ(hear(ears, {}, {3}).error().kind, ErrorKind::Internal);
    std::stop_source stopped;
    stopped.request_stop();
    EXPECT_EQ(
        listen(ears, std::make_unique<LoudDetector>(), {}, make_speech({3}), stopped.get_token())
            .error()
            .kind,
        ErrorKind::Cancelled);
}

}  // namespace
}  // namespace titans::character
