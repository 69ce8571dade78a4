#include "audio/limiter.h"

#include <gtest/gtest.h>

#include <cmath>

#include "audio/encode_for_test.h"

namespace titans::audio {
namespace {

constexpr SampleRate kRate{24'000};

std::vector<float> sine(double hz, float amplitude) {
    const Audio audio = make_sine(kRate, 1, hz, amplitude);
    return {audio.samples().begin(), audio.samples().end()};
}

TEST(LimitPeaks, LeavesWhatIsQuietAsItIs) {
    const std::vector<float> before = sine(440, 0.8F);
    std::vector<float> after = before;
    limit_peaks(after, kRate, 0.9F);
    EXPECT_EQ(before, after);
}

TEST(LimitPeaks, LetsNothingThrough) {
    for (const std::size_t at : {std::size_t{0}, std::size_t{100}, std::size_t{23'999}}) {
        std::vector<float> samples = sine(440, 0.8F);
        samples[at] = -3;
        limit_peaks(samples, kRate, 0.9F);
        EXPECT_LE(*std::ranges::max_element(samples), 0.9F);
        EXPECT_GE(*std::ranges::min_element(samples), -0.9F);
        EXPECT_NEAR(samples[at], -0.9, 1e-3) << at;
    }
}

TEST(LimitPeaks, TouchesOnlyWhatIsNearAPeak) {
    const std::vector<float> before = sine(440, 0.5F);
    std::vector<float> after = before;
    after[12'000] = 2;
    limit_peaks(after, kRate, 0.9F);
    const std::size_t reach = 2 * 24'000 / 200;
    EXPECT_TRUE(std::equal(before.begin(), before.begin() + 12'000 - reach, after.begin()));
    EXPECT_TRUE(
        std::equal(before.begin() + 12'001 + reach, before.end(), after.begin() + 12'001 + reach));
}

TEST(LimitPeaks, TurnsDownInsteadOfClipping) {
    std::vector<float> samples = sine(440, 2);
    limit_peaks(samples, kRate, 0.9F);
    const auto middle = std::span(samples).subspan(4'000, 16'000);
    EXPECT_NEAR(amplitude_at(middle, kRate, 440), 0.9, 0.01);
    EXPECT_LT(residual_db(middle, kRate, 440), -50);  // clipped, it would be -12
}

TEST(LimitPeaks, TakesNothingAndOneSample) {
    limit_peaks({}, kRate, 0.9F);
    std::vector<float> one{2};
    limit_peaks(one, kRate, 0.9F);
    EXPECT_LE(one[0], 0.9F);
}

}  // namespace
}  // namespace titans::audio
