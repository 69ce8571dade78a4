#include "audio/resample.h"

#include <gtest/gtest.h>

#include <cmath>

#include "audio/encode_for_test.h"

namespace titans::audio {
namespace {

/// Without the filter's run in and out.
std::span<const float> middle(const Audio& audio) {
    const std::size_t edge = audio.samples().size() / 8;
    return audio.samples().subspan(edge, audio.samples().size() - 2 * edge);
}

TEST(Resample, KeepsASineAndAddsNothing) {
    for (const int to : {16'000, 22'050, 24'000, 44'100, 48'000}) {
        for (const int from : {8'000, 16'000, 22'050, 44'100, 48'000, 96'000}) {
            const Audio sine = make_sine(SampleRate{from}, 1, 1000);
            const Audio result = resample(sine, SampleRate{to});
            EXPECT_EQ(result.rate().hz, to);
            EXPECT_NEAR(amplitude_at(middle(result), SampleRate{to}, 1000), 0.5, 1e-4)
                << from << " to " << to;
            EXPECT_LT(residual_db(middle(result), SampleRate{to}, 1000), -80)
                << from << " to " << to;
        }
    }
}

TEST(Resample, RemovesWhatTheNewRateCannotHold) {
    const Audio high = make_sine(SampleRate{48'000}, 1, 11'000);
    const Audio result = resample(high, SampleRate{16'000});
    EXPECT_LT(20 * std::log10(rms(middle(result)) / rms(middle(high))), -80);
}

TEST(Resample, KeepsTheDurationToTheSample) {
    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{44'101}}) {
        const Audio audio(SampleRate{44'100}, std::vector<float>(size, 0.25F));
        const auto due =
            static_cast<std::size_t>(std::lround(static_cast<double>(size) * 16'000 / 44'100));
        const Audio result = resample(audio, SampleRate{16'000});
        EXPECT_EQ(result.samples().size(), due) << size;
    }
}

TEST(Resample, DelaysNothing) {
    std::vector<float> samples(48'000);
    samples[24'000] = 1;
    const Audio result = resample(Audio(SampleRate{48'000}, samples), SampleRate{16'000});
    const auto peak = std::ranges::max_element(result.samples());
    EXPECT_EQ(peak - result.samples().begin(), 8'000);
}

}  // namespace
}  // namespace titans::audio
