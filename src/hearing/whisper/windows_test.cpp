#include "hearing/whisper/windows.h"

#include <gtest/gtest.h>

namespace titans::hearing::whisper {
namespace {

constexpr SampleRate kRate{1000};

TEST(Windows, AreOneForAShortRecording) {
    const std::vector<float> samples(500, 0.5F);
    const auto windows = cut_windows(samples, 500, kRate);
    ASSERT_EQ(windows.size(), 1U);
    EXPECT_EQ(windows[0].size(), 500U);
    EXPECT_TRUE(cut_windows({}, 500, kRate).empty());
}

TEST(Windows, AreCutInThePauses) {
    std::vector<float> samples(9000, 0.5F);
    // Pauses of 300 ms at 3.2 s and at 6.0 s.
    std::fill_n(samples.begin() + 3200, 300, 0.0F);
    std::fill_n(samples.begin() + 6000, 300, 0.0F);
    const auto windows = cut_windows(samples, 4000, kRate);
    ASSERT_EQ(windows.size(), 3U);
    EXPECT_NEAR(static_cast<double>(windows[0].size()), 3350, 60);
    EXPECT_NEAR(static_cast<double>(windows[0].size() + windows[1].size()), 6150, 60);
}

TEST(Windows, LoseNothingWithoutAPause) {
    const std::vector<float> samples(10'001, 0.5F);
    std::size_t total = 0;
    for (const auto window : cut_windows(samples, 2000, kRate)) {
        EXPECT_EQ(window.data(), samples.data() + total);
        EXPECT_LE(window.size(), 2000U);
        EXPECT_GE(window.size(), 1U);
        total += window.size();
    }
    EXPECT_EQ(total, samples.size());
}

TEST(Windows, AreSilentBelowMinusSixtyDecibels) {
    EXPECT_TRUE(is_silent(std::vector<float>(500, 0.0F), kRate));
    EXPECT_TRUE(is_silent(std::vector<float>(500, 0.0009F), kRate));
    EXPECT_FALSE(is_silent(std::vector<float>(500, 0.0011F), kRate));
    std::vector<float> word(500, 0.0F);
    std::fill_n(word.begin() + 400, 40, 0.01F);
    EXPECT_FALSE(is_silent(word, kRate));
    EXPECT_TRUE(is_silent({}, kRate));
}

}  // namespace
}  // namespace titans::hearing::whisper
