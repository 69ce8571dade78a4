#include "audio/analysis.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "audio/encode_for_test.h"
#include "audio/speech_for_test.h"

namespace titans::audio {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr SampleRate kRate{24'000};
const SampleReport kGood{.seconds = 10,
                         .speech_seconds = 8,
                         .loudness_lufs = -22,
                         .snr_db = 30,
                         .clipped_share = 0,
                         .peak = 0.6};

SampleReport report_of(const Audio& audio) { return analyze(audio, {}).value(); }

/// Noise is mixed in relative to the mean of all; what is reported leaves the pauses out.
constexpr double kPauses = 2;

TEST(Analysis, EstimatesTheNoiseOfSpeech) {
    const Audio speech = make_speech(kRate, 8);
    for (const double snr : {5.0, 10.0, 20.0, 30.0})
        EXPECT_NEAR(report_of(with_noise(speech, snr)).snr_db, snr + kPauses, 2.5) << snr;
}

TEST(Analysis, EstimatesTheNoiseOfRecordings) {
    const std::vector<Audio> sentences = recorded_sentences();
    if (sentences.empty()) GTEST_SKIP() << "no recordings here";
    for (const double snr : {5.0, 10.0, 20.0})
        EXPECT_NEAR(report_of(with_noise(concatenated(sentences), snr)).snr_db, snr + kPauses, 2.5)
            << snr;
}

TEST(Analysis, CountsSpeechAndNotSilence) {
    const Audio tone = make_sine(kRate, 2, 440, 0.2F);
    const SampleReport report = report_of(
        with_noise(concatenated({make_silence(kRate, 3), tone, make_silence(kRate, 5)}), 40));
    EXPECT_NEAR(report.seconds, 10, 1e-3);
    EXPECT_NEAR(report.speech_seconds, 2, 0.05);
}

TEST(Analysis, SeesClippingAndThePeak) {
    const Audio loud = make_sine(kRate, 1, 200, 2.0F);
    std::vector<float> samples(loud.samples().begin(), loud.samples().end());
    for (float& sample : samples) sample = std::clamp(sample, -1.0F, 1.0F);
    // A sine of twice the height is beyond the edge for two thirds of the time.
    EXPECT_NEAR(report_of(Audio(kRate, samples)).clipped_share, 2.0 / 3, 0.02);
    EXPECT_EQ(report_of(Audio(kRate, samples)).peak, 1);
    EXPECT_EQ(report_of(make_sine(kRate, 1, 440, 0.998F)).clipped_share, 0);
    EXPECT_NEAR(report_of(make_sine(kRate, 1, 440, 0.25F)).peak, 0.25, 1e-4);
}

TEST(Analysis, SaysNothingOfSilence) {
    for (const double seconds : {0.0, 0.01, 2.0}) {
        const SampleReport report = report_of(make_silence(kRate, seconds));
        EXPECT_EQ(report.speech_seconds, 0);
        EXPECT_EQ(report.snr_db, 0);
        EXPECT_EQ(report.loudness_lufs, -70);
    }
}

TEST(Warnings, AreNoneForAGoodSample) { EXPECT_THAT(warnings(kGood), IsEmpty()); }

TEST(Warnings, NameEachFault) {
    SampleReport report = kGood;
    report.speech_seconds = 2.1;
    EXPECT_THAT(warnings(report), ElementsAre(HasSubstr("only 2.1 s of speech")));
    report = kGood;
    report.seconds = 45;
    EXPECT_THAT(warnings(report), ElementsAre(HasSubstr("45 s long")));
    report = kGood;
    report.snr_db = 9;
    EXPECT_THAT(warnings(report), ElementsAre(HasSubstr("noisy")));
    report = kGood;
    report.clipped_share = 0.004;
    EXPECT_THAT(warnings(report), ElementsAre(HasSubstr("0.40 %")));
    report = kGood;
    report.loudness_lufs = -48;
    EXPECT_THAT(warnings(report), ElementsAre(HasSubstr("very quiet (-48 LUFS)")));
}

TEST(Warnings, DoNotCallQuietWhatIsTooShortToMeasure) {
    EXPECT_THAT(warnings(report_of(make_sine(kRate, 0.3, 440))),
                ElementsAre(HasSubstr("s of speech")));
}

}  // namespace
}  // namespace titans::audio
