#include "audio/preparation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "audio/analysis.h"
#include "audio/encode_for_test.h"
#include "audio/filter_graph.h"
#include "audio/loudness.h"
#include "audio/resample.h"
#include "audio/speech_for_test.h"

namespace titans::audio {
namespace {

constexpr SampleRate kRate{24'000};

Audio prepared(const Audio& audio, const Preparation& preparation) {
    Result<Audio> result = prepare(audio, preparation, {});
    if (!result) throw std::runtime_error(result.error().message + ": " + result.error().detail);
    return *std::move(result);
}

ErrorKind fault(const Audio& audio, std::stop_token stop = {}) {
    const Result<Audio> result = prepare(audio, standard_preparation(), std::move(stop));
    return result ? ErrorKind::Conflict : result.error().kind;
}

double lufs(const Audio& audio) { return measure_loudness(audio, {}).value().integrated_lufs; }
double true_peak_db(const Audio& audio) { return measure_loudness(audio, {}).value().true_peak_db; }

double crest_db(const Audio& audio) {
    float peak = 0;
    for (const float sample : audio.samples()) peak = std::max(peak, std::abs(sample));
    return 20 * std::log10(peak / rms(audio.samples()));
}

Audio scaled(const Audio& audio, double db) {
    std::vector<float> samples(audio.samples().begin(), audio.samples().end());
    for (float& sample : samples) sample *= static_cast<float>(std::pow(10, db / 20));
    return {audio.rate(), std::move(samples)};
}

/// `audio` as cleaning it would leave it if it knew the noise: without the rumble.
Audio without_rumble(const Audio& audio) {
    const std::vector<Filter> chain{{.name = "highpass", .options = {{"f", "60"}}}};
    return filter(audio, chain, {}).value();
}

/// What --clean wins on `speech` in white noise that is 10 dB below it.
double gained_db(const Audio& speech, unsigned seed) {
    const Audio reference = without_rumble(speech);
    const Audio noisy = with_noise(speech, 10, seed);
    return snr_db(reference, prepared(noisy, {.clean = true})) -
           snr_db(reference, without_rumble(noisy));
}

TEST(Prepare, ChangesNothingThatIsNotAskedFor) {
    const Audio speech = with_noise(make_speech(kRate, 2), 20);
    const Audio same = prepared(speech, {});
    EXPECT_EQ(same.rate(), kRate);
    EXPECT_TRUE(std::ranges::equal(same.samples(), speech.samples()));
}

TEST(Prepare, StandardIsTheExampleOfTheSpecification) {
    const Preparation standard = standard_preparation();
    EXPECT_TRUE(standard.clean && standard.remove_silence && standard.enhance);
    EXPECT_TRUE(standard.bass_boost && standard.treble_boost && standard.compression);
    EXPECT_EQ(standard.top_db, 40);
    EXPECT_EQ(standard.fade_ms, 50);
}

TEST(Prepare, KeepsTheLengthWhereSilenceMayStay) {
    Preparation preparation = standard_preparation();
    preparation.remove_silence = false;
    for (const int hz : {8000, 16'000, 22'050, 24'000, 44'100, 48'000, 96'000}) {
        const Audio speech = with_noise(make_speech(SampleRate{hz}, 1.234), 20);
        const Audio after = prepared(speech, preparation);
        EXPECT_EQ(after.samples().size(), speech.samples().size()) << hz;
        EXPECT_LE(true_peak_db(after), kPreparedPeakDb + 0.1) << hz;
    }
}

TEST(Prepare, TakesWhatIsShorterThanAnyWindow) {
    for (const std::size_t size : {1U, 2U, 100U, 2000U}) {
        const Audio brief(kRate, std::vector<float>(size, 0.25F));
        const Audio after = prepared(brief, standard_preparation());
        EXPECT_EQ(after.samples().size(), size);
        for (const float sample : after.samples()) ASSERT_TRUE(std::isfinite(sample));
    }
}

TEST(Prepare, RefusesWhatHoldsNothing) {
    EXPECT_EQ(fault(make_silence(kRate, 0)), ErrorKind::NothingHeard);
    EXPECT_EQ(fault(make_silence(kRate, 3)), ErrorKind::NothingHeard);
    EXPECT_EQ(fault(make_sine(kRate, 3, 440, 5e-5F)), ErrorKind::NothingHeard);
}

TEST(Prepare, RefusesSamplesThatAreNotNumbers) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> samples(24'000, 0.1F);
        samples[5000] = bad;
        EXPECT_EQ(fault(Audio(kRate, samples)), ErrorKind::InvalidInput);
    }
}

TEST(Prepare, RefusesMoreThanTenMinutes) {
    EXPECT_EQ(fault(Audio(SampleRate{8000}, std::vector<float>(600 * 8000 + 1, 0.1F))),
              ErrorKind::TooLarge);
}

TEST(Prepare, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    EXPECT_EQ(fault(make_speech(kRate, 1), source.get_token()), ErrorKind::Cancelled);
}

TEST(Clean, WinsFourDecibelsOnSpeechInNoise) { EXPECT_GT(gained_db(make_speech(kRate, 8), 1), 4); }

TEST(Clean, WinsFourDecibelsOnRecordingsInNoise) {
    const std::vector<Audio> sentences = recorded_sentences();
    if (sentences.empty()) GTEST_SKIP() << "no recordings here";
    const Audio speech = concatenated(sentences);
    for (const unsigned seed : {1U, 2U}) {
        EXPECT_GT(gained_db(speech, seed), 4);
        EXPECT_GT(gained_db(resample(speech, SampleRate{48'000}), seed), 4);
    }
}

TEST(Clean, LeavesCleanSpeechAlone) {
    const Audio speech = with_noise(make_speech(kRate, 4), 60);
    EXPECT_GT(snr_db(without_rumble(speech), prepared(speech, {.clean = true})), 20);
}

TEST(Clean, TakesOutRumble) {
    const Audio speech = with_noise(make_speech(kRate, 4), 60);
    std::vector<float> samples(speech.samples().begin(), speech.samples().end());
    const Audio rumble = make_sine(kRate, 4, 20, 0.1F);
    for (std::size_t i = 0; i < rumble.samples().size(); ++i) samples[i] += rumble.samples()[i];
    const Audio after = prepared(Audio(kRate, samples), {.clean = true});
    EXPECT_LT(amplitude_at(after.samples(), kRate, 20), 0.015);
}

TEST(RemoveSilence, TakesOutTwoSecondsBetweenSentences) {
    const std::vector<Audio> sentences = recorded_sentences();
    if (sentences.empty()) GTEST_SKIP() << "no recordings here";
    const SampleRate rate = sentences.front().rate();
    const Audio gap = make_silence(rate, 2);
    const Audio apart =
        concatenated({gap, sentences[0], gap, sentences[1], gap, sentences[2], gap});
    const double spoken = sentences[0].duration().count() + sentences[1].duration().count() +
                          sentences[2].duration().count();
    const Audio after = prepared(apart, {.remove_silence = true});
    EXPECT_LT(after.duration().count(),
              spoken + 0.9);                          // 0.3 between two, with the edges of a frame
    EXPECT_GT(after.duration().count(), spoken - 1);  // its own long pauses
    EXPECT_NEAR(analyze(after, {})->speech_seconds, analyze(apart, {})->speech_seconds, 0.2);
}

struct Tone {
    double hz;
    double bass_db;
    double treble_db;
};

TEST(Boost, RaisesLowAndHighTonesAsDocumented) {
    constexpr Tone kTones[]{{50, 4, 0},   {100, 3.8, 0}, {200, 2, 0},   {1000, 0.1, 0.1},
                            {4000, 0, 2}, {8000, 0, 4},  {11'000, 0, 4}};
    for (const SampleRate rate : {SampleRate{24'000}, SampleRate{48'000}}) {
        for (const Tone& tone : kTones) {
            const Audio before = make_sine(rate, 1, tone.hz, 0.1F);
            const auto gain = [&](const Preparation& preparation) {
                const Audio after = prepared(before, preparation);
                const std::span<const float> steady = after.samples().subspan(6000);
                return 20 * std::log10(amplitude_at(steady, rate, tone.hz) / 0.1);
            };
            EXPECT_NEAR(gain({.bass_boost = true}), tone.bass_db, 0.2) << tone.hz;
            EXPECT_NEAR(gain({.treble_boost = true}), tone.treble_db, 0.4) << tone.hz;
            EXPECT_NEAR(gain({.bass_boost = true, .treble_boost = true}),
                        tone.bass_db + tone.treble_db, 0.5)
                << tone.hz;
        }
    }
}

TEST(Boost, IsStableAtTheLowestRate) {
    const Audio after = prepared(make_speech(SampleRate{8000}, 1), {.treble_boost = true});
    for (const float sample : after.samples()) ASSERT_LT(std::abs(sample), 1);
}

TEST(Compression, BringsLoudAndSoftCloserWithoutChangingTheLoudness) {
    std::vector<Audio> speeches{make_speech(kRate, 6)};
    const std::vector<Audio> sentences = recorded_sentences();
    if (!sentences.empty()) speeches.push_back(concatenated(sentences));
    for (const Audio& speech : speeches) {
        for (const double db : {-25.0, 0.0}) {
            const Audio before = scaled(speech, db);
            const Audio after = prepared(before, {.compression = true});
            EXPECT_LT(crest_db(after), crest_db(before) - 2) << db;
            EXPECT_NEAR(lufs(after), lufs(before), 0.3) << db;
        }
    }
}

TEST(Enhance, ReachesItsLoudnessFromAnyLevel) {
    std::vector<Audio> speeches{make_speech(kRate, 6)};
    const std::vector<Audio> sentences = recorded_sentences();
    if (!sentences.empty()) speeches.push_back(concatenated(sentences));
    for (const Audio& speech : speeches) {
        for (const double db : {-30.0, -10.0, 0.0, 10.0}) {
            const Audio after = prepared(scaled(speech, db), {.enhance = true});
            EXPECT_NEAR(lufs(after), kPreparedLufs, 0.5) << db;
            EXPECT_LE(true_peak_db(after), kPreparedPeakDb + 0.1) << db;
        }
    }
}

TEST(Enhance, LimitsPeaksAndDoesNotClipThem) {
    // Soft speech with a burst that would come out at +17 dB.
    const Audio speech = scaled(make_speech(kRate, 6), -25);
    std::vector<float> samples(speech.samples().begin(), speech.samples().end());
    const Audio burst = make_sine(kRate, 0.02, 500, 0.7F);
    std::ranges::copy(burst.samples(), samples.begin() + 30'000);
    const Audio after = prepared(Audio(kRate, samples), {.enhance = true});
    EXPECT_LE(true_peak_db(after), kPreparedPeakDb + 0.1);
    EXPECT_NEAR(lufs(after), kPreparedLufs, 1);
    EXPECT_EQ(analyze(after, {})->clipped_share, 0);
    // Turned down, the burst is still a sine; cut off, it would be half a square.
    const auto peak = after.samples().subspan(30'120, 240);
    EXPECT_LT(residual_db(peak, kRate, 500), -20);
}

TEST(Fade, RisesAndFallsAsHalfASine) {
    const Audio steady(kRate, std::vector<float>(24'000, 0.5F));
    const Audio after = prepared(steady, {.fade_ms = 50});
    const std::span<const float> samples = after.samples();
    for (std::size_t i = 0; i < 1200; ++i) {
        const double expected = 0.25 * (1 - std::cos(M_PI * static_cast<double>(i) / 1200));
        ASSERT_NEAR(samples[i], expected, 2e-3) << i;
        ASSERT_NEAR(samples[samples.size() - 1 - i], expected, 2e-3) << i;
    }
    for (std::size_t i = 1200; i + 1200 < samples.size(); ++i) ASSERT_EQ(samples[i], 0.5F);
}

TEST(Fade, EndsInTheMiddleOfWhatIsTooShort) {
    const Audio steady(kRate, std::vector<float>(1000, 0.5F));
    const Audio after = prepared(steady, {.fade_ms = 10'000});
    EXPECT_NEAR(after.samples()[0], 0, 1e-3);
    EXPECT_NEAR(after.samples()[500], 0.5, 1e-2);
    EXPECT_NEAR(after.samples()[999], 0, 1e-3);
}

}  // namespace
}  // namespace titans::audio
