#include "audio/loudness.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "audio/encode_for_test.h"
#include "audio/speech_for_test.h"

namespace titans::audio {
namespace {

TEST(Loudness, OfTheReferenceToneIsWhatTheStandardSays) {
    // ITU-R BS.1770: a sine of 997 Hz at full scale in one channel is -3.01 LUFS.
    for (const int hz : {16'000, 24'000, 44'100, 48'000}) {
        for (const double db : {0.0, -20.0, -40.0}) {
            const auto amplitude = static_cast<float>(std::pow(10, db / 20));
            const Result<Loudness> loudness =
                measure_loudness(make_sine(SampleRate{hz}, 3, 997, amplitude), {});
            ASSERT_TRUE(loudness) << loudness.error().detail;
            EXPECT_NEAR(loudness->integrated_lufs, db - 3.01, 0.1) << hz;
            EXPECT_NEAR(loudness->true_peak_db, db, 0.2) << hz;
        }
    }
}

TEST(Loudness, LeavesSilenceOut) {
    const SampleRate rate{48'000};
    const Audio tone = make_sine(rate, 4, 997, 0.1F);
    const Result<Loudness> loudness =
        measure_loudness(concatenated({make_silence(rate, 4), tone, make_silence(rate, 4)}), {});
    ASSERT_TRUE(loudness);
    EXPECT_NEAR(loudness->integrated_lufs, -23, 0.4);
}

TEST(Loudness, SeesThePeakBetweenTheSamples) {
    // A quarter of the rate, an eighth of a turn off: every sample is at -3 dB of the peak.
    std::vector<float> samples(48'000);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        samples[i] = static_cast<float>(
            std::sin(std::numbers::pi / 2 * static_cast<double>(i) + std::numbers::pi / 4));
    }
    const Result<Loudness> loudness = measure_loudness(Audio(SampleRate{48'000}, samples), {});
    ASSERT_TRUE(loudness);
    EXPECT_GT(loudness->true_peak_db, -0.3);
    EXPECT_LT(loudness->true_peak_db, 1);  // it starts abruptly
}

TEST(Loudness, IsNotMeasurableInSilenceOrInLessThanItsWindow) {
    for (const Audio& audio :
         {make_silence(SampleRate{16'000}, 2), make_silence(SampleRate{16'000}, 0),
          make_sine(SampleRate{16'000}, 0.3, 440)}) {
        const Result<Loudness> loudness = measure_loudness(audio, {});
        ASSERT_TRUE(loudness) << loudness.error().detail;
        EXPECT_FALSE(loudness->measurable());
        EXPECT_EQ(loudness->integrated_lufs, -70);
    }
}

}  // namespace
}  // namespace titans::audio
