#include "hearing/whisper/log_mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace titans::hearing::whisper {
namespace {

std::vector<float> log_mel_of(std::span<const float> samples, int frames) {
    return log_mel(audio::MelSpectrogram::make({}).value(), samples, frames);
}

TEST(LogMel, OfSilenceIsAsLowAsItGets) {
    for (const float value : log_mel_of(std::vector<float>(800), 10)) EXPECT_FLOAT_EQ(value, -1.5F);
    for (const float value : log_mel_of({}, 10)) EXPECT_FLOAT_EQ(value, -1.5F);
}

TEST(LogMel, ReachesEightDecadesBelowTheLoudest) {
    std::vector<float> tone(8000);
    for (std::size_t i = 0; i < tone.size(); ++i) {
        tone[i] = 0.5F * static_cast<float>(std::sin(2 * std::numbers::pi * 1000 *
                                                     static_cast<double>(i) / 16000));
    }
    const std::vector<float> mel = log_mel_of(tone, 100);
    ASSERT_EQ(mel.size(), 100 * 80);
    // The tone's energy at the window's gain of 100, halved, in a filter whose peak is about 0.02.
    const float loudest = std::ranges::max(mel);
    EXPECT_NEAR(loudest, (std::log10(50.0 * 50.0 * 0.02) + 4) / 4, 0.1);
    EXPECT_FLOAT_EQ(std::ranges::min(mel), loudest - 2);
    EXPECT_FLOAT_EQ(mel.back(), loudest - 2);  // behind the samples
}

}  // namespace
}  // namespace titans::hearing::whisper
