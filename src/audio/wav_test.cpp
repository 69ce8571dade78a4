#include "audio/wav.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "audio/decoder.h"
#include "audio/encode_for_test.h"

namespace titans::audio {
namespace {

int sample_at(const std::vector<std::byte>& wav, std::size_t index) {
    const auto low = std::to_integer<unsigned>(wav.at(44 + 2 * index));
    const auto high = std::to_integer<unsigned>(wav.at(45 + 2 * index));
    return static_cast<std::int16_t>(high << 8 | low);
}

TEST(Wav, ComesBackFromTheDecoder) {
    const Audio sine = make_sine(SampleRate{22'050}, 0.5, 440);
    const Result<Audio> back = decode(make_wav(sine), SampleRate{22'050}, {}, {});
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(back->samples().size(), sine.samples().size());
    for (std::size_t i = 0; i < sine.samples().size(); ++i) {
        ASSERT_NEAR(back->samples()[i], sine.samples()[i], 1.5 / 32768) << i;
    }
}

TEST(Wav, LimitsInsteadOfWrapping) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    const std::vector<std::byte> wav =
        make_wav(Audio(SampleRate{16'000}, {1.0F, 7.0F, 1e30F, -1.0F, -7.0F, -1e30F, nan}));
    for (const std::size_t i : {0, 1, 2}) EXPECT_GE(sample_at(wav, i), 32766) << i;
    for (const std::size_t i : {3, 4, 5}) EXPECT_LE(sample_at(wav, i), -32767) << i;
    EXPECT_EQ(sample_at(wav, 6), 0);
}

TEST(Wav, DitherFreesTheErrorFromTheSignal) {
    // A sine of less than half a step would be rounded away; dithered, it is still there in the
    // noise.
    const SampleRate rate{16'000};
    const Audio faint = make_sine(rate, 4, 500, 0.4F / 32768);
    const std::vector<std::byte> wav = make_wav(faint);
    std::vector<float> back(faint.samples().size());
    for (std::size_t i = 0; i < back.size(); ++i) back[i] = static_cast<float>(sample_at(wav, i));
    EXPECT_NEAR(amplitude_at(back, rate, 500), 0.4, 0.05);
}

TEST(Wav, IsTheSameEveryTime) {
    const Audio sine = make_sine(SampleRate{16'000}, 0.1, 440);
    EXPECT_THAT(make_wav(sine), testing::ElementsAreArray(make_wav(sine)));
}

TEST(Wav, StatesItsSizes) {
    const std::vector<std::byte> wav = make_wav(Audio(SampleRate{16'000}, std::vector<float>(10)));
    EXPECT_EQ(wav.size(), 64U);
    EXPECT_EQ(std::to_integer<int>(wav[4]), 56);
    EXPECT_EQ(std::to_integer<int>(wav[40]), 20);
}

}  // namespace
}  // namespace titans::audio
