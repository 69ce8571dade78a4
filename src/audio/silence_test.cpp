#include "audio/silence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "audio/encode_for_test.h"
#include "audio/speech_for_test.h"

namespace titans::audio {
namespace {

constexpr SampleRate kRate{22'050};

double largest_step(std::span<const float> samples) {
    double largest = 0;
    for (std::size_t i = 1; i < samples.size(); ++i)
        largest = std::max<double>(largest, std::abs(samples[i] - samples[i - 1]));
    return largest;
}

/// The longest run of samples that are softer than `level`, in seconds.
double longest_silence(const Audio& audio, float level) {
    std::size_t longest = 0;
    std::size_t row = 0;
    for (const float sample : audio.samples()) {
        row = std::abs(sample) < level ? row + 1 : 0;
        longest = std::max(longest, row);
    }
    return static_cast<double>(longest) / audio.rate().hz;
}

/// Three tones of different level with silences between them.
Audio three_tones() {
    return concatenated({make_silence(kRate, 0.5), make_sine(kRate, 0.7, 440, 0.5F),
                         make_silence(kRate, 0.3), make_sine(kRate, 0.4, 220, 0.05F),
                         make_silence(kRate, 1.1), make_sine(kRate, 0.6, 330, 0.003F),
                         make_silence(kRate, 0.9)});
}

TEST(FindSound, FindsWhatLibrosaFinds) {
    // librosa 0.11: effects.split(three_tones, top_db=...).
    const Audio audio = three_tones();
    EXPECT_THAT(
        find_sound(audio, 60),
        testing::ElementsAre(Stretch{10240, 27648}, Stretch{32256, 43008}, Stretch{65536, 80384}));
    EXPECT_THAT(find_sound(audio, 40),
                testing::ElementsAre(Stretch{10240, 27648}, Stretch{32256, 43008}));
    EXPECT_THAT(find_sound(audio, 30),
                testing::ElementsAre(Stretch{10240, 27648}, Stretch{32768, 43008}));
    EXPECT_THAT(find_sound(audio, 10), testing::ElementsAre(Stretch{10240, 27648}));
}

TEST(FindSound, TakesAnythingForSoundInSilenceThroughout) {
    // As in librosa: nothing is below the loudest frame.
    EXPECT_THAT(find_sound(make_silence(kRate, 1), 40), testing::ElementsAre(Stretch{0, 22'050}));
    EXPECT_THAT(find_sound(make_silence(kRate, 0), 40), testing::IsEmpty());
}

TEST(ShortenSilences, LeavesANaturalPause) {
    for (const int hz : {8000, 16'000, 22'050, 48'000}) {
        const SampleRate rate{hz};
        const Audio tone = make_sine(rate, 1, 440);
        const Audio audio = concatenated(
            {make_silence(rate, 2), tone, make_silence(rate, 2), tone, make_silence(rate, 2)});
        const Audio shortened = shorten_silences(audio, 40);
        // A tone is heard by the frames that reach into it, 46 ms before and after.
        EXPECT_NEAR(longest_silence(shortened, 1e-4F), 0.2 + 2 * 0.046, 0.03) << hz;
        EXPECT_NEAR(shortened.duration().count(), 2 + 0.2 + 2 * 0.1 + 4 * 0.046, 0.06) << hz;
        EXPECT_NEAR(rms(shortened.samples()) * std::sqrt(shortened.duration().count()),
                    rms(audio.samples()) * std::sqrt(audio.duration().count()), 1e-3);
    }
}

TEST(ShortenSilences, JoinsWithoutAClick) {
    // A slow hum below the threshold: cut out anywhere, it would jump.
    const Audio tone = make_sine(kRate, 1, 440, 0.4F);
    const Audio audio = concatenated({tone, make_silence(kRate, 2.013), tone});
    std::vector<float> samples(audio.samples().begin(), audio.samples().end());
    const Audio hum = make_sine(kRate, audio.duration().count(), 23, 0.02F);
    for (std::size_t i = 0; i < samples.size(); ++i) samples[i] += hum.samples()[i];
    const Audio shortened = shorten_silences(Audio(kRate, samples), 25);
    ASSERT_LT(shortened.duration().count(), 2.5);
    const auto pause = shortened.samples().subspan(24'000, 4000);
    ASSERT_LT(std::ranges::max(pause), 0.03);
    // The fade lasts 220 samples; a bare cut could step by 0.04 at once.
    EXPECT_LT(largest_step(pause), 0.001);
}

TEST(ShortenSilences, LeavesShortPausesAsTheyAre) {
    const Audio tone = make_sine(kRate, 1, 440);
    const Audio audio = concatenated({tone, make_silence(kRate, 0.25), tone});
    const Audio shortened = shorten_silences(audio, 40);
    EXPECT_TRUE(std::ranges::equal(shortened.samples(), audio.samples()));
}

}  // namespace
}  // namespace titans::audio
