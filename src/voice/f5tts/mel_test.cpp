#include "voice/f5tts/mel.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

namespace titans::voice::f5tts {
namespace {

std::vector<float> tone(double hz, std::size_t samples) {
    std::vector<float> tone;
    for (std::size_t i = 0; i < samples; ++i) {
        tone.push_back(static_cast<float>(
            0.5 * std::cos(2 * std::numbers::pi * hz * static_cast<double>(i) / kRate.hz)));
    }
    return tone;
}

TEST(F5Mel, HasAFrameMoreThanThereAreHops) {
    EXPECT_EQ(log_mel(tone(440, 2560))->size(), 11 * kMels);
    EXPECT_EQ(log_mel(tone(440, 2559))->size(), 10 * kMels);
    EXPECT_EQ(log_mel(tone(440, 600))->size(), 3 * kMels);
}

TEST(F5Mel, IsLoudestWhereTheToneIsUpToBothEnds) {
    constexpr double kHz = 1500;
    const double band =
        2595 * std::log10(1 + kHz / 700) / (2595 * std::log10(1 + 12'000.0 / 700) / (kMels + 1));
    const auto mel = log_mel(tone(kHz, 256 * 20));
    ASSERT_TRUE(mel);
    for (std::size_t frame = 0; frame <= 20; ++frame) {
        const auto row = mel->begin() + static_cast<std::ptrdiff_t>(frame) * kMels;
        EXPECT_NEAR(static_cast<double>(std::max_element(row, row + kMels) - row), band - 1, 1.01)
            << frame;
        // A cosine is as loud in its mirror: half of it times half of Hann's sum.
        EXPECT_NEAR(*std::max_element(row, row + kMels), std::log(0.5 * 512 / 2), 0.7) << frame;
    }
}

TEST(F5Mel, OfSilenceIsItsFloor) {
    const auto mel = log_mel(std::vector<float>(1024));
    ASSERT_TRUE(mel);
    for (const float value : *mel) EXPECT_FLOAT_EQ(value, std::log(1e-5F));
}

}  // namespace
}  // namespace titans::voice::f5tts
