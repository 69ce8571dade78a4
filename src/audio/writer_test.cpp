#include "audio/writer.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <string>

#include "audio/decoder.h"
#include "audio/encode_for_test.h"
#include "audio/loudness.h"
#include "audio/resample.h"
#include "audio/wav.h"

namespace titans::audio {
namespace {

constexpr SampleRate kRate{24'000};

std::vector<std::byte> written(const Audio& audio, const WriteOptions& options) {
    Result<std::vector<std::byte>> bytes = write(audio, options, {});
    if (!bytes) {
        ADD_FAILURE() << bytes.error().message << ": " << bytes.error().detail;
        return {};
    }
    return std::move(*bytes);
}

Audio read_back(const std::vector<std::byte>& bytes, SampleRate rate) {
    Result<Audio> audio = decode(bytes, rate, {}, {});
    if (!audio) {
        ADD_FAILURE() << audio.error().message << ": " << audio.error().detail;
        return {rate, {}};
    }
    return std::move(*audio);
}

double peak(const Audio& audio) {
    double most = 0;
    for (const float sample : audio.samples()) most = std::max<double>(most, std::abs(sample));
    return most;
}

double lufs(const Audio& audio) { return measure_loudness(audio, {})->integrated_lufs; }

class WriteFormat : public testing::TestWithParam<AudioFormat> {
protected:
    static bool lossless() {
        return GetParam() == AudioFormat::Wav || GetParam() == AudioFormat::Flac;
    }
};

std::string name_of(const testing::TestParamInfo<AudioFormat>& info) {
    constexpr std::array kNames{"Wav", "Mp3", "Opus", "Flac"};
    return kNames[static_cast<std::size_t>(info.param)];
}

INSTANTIATE_TEST_SUITE_P(All, WriteFormat,
                         testing::Values(AudioFormat::Wav, AudioFormat::Mp3, AudioFormat::Opus,
                                         AudioFormat::Flac),
                         name_of);

TEST_P(WriteFormat, GivesTheSameSpeechBackToTheSample) {
    const std::optional<Audio> sentence = load_sentence(880);
    if (!sentence) GTEST_SKIP() << "the recordings of pocketsphinx-testdata are not there";
    // The rates of the voices, and some that MP3 or Opus have not.
    for (const int hz : {16'000, 22'050, 24'000, 37'800, 44'100, 48'000}) {
        for (const std::size_t less : {std::size_t{0}, std::size_t{1}, std::size_t{577}}) {
            const Audio whole = resample(*sentence, SampleRate{hz});
            const auto part = whole.samples().first(whole.samples().size() - less);
            const Audio source(whole.rate(), {part.begin(), part.end()});
            const Audio back = read_back(written(source, {.format = GetParam()}), source.rate());
            EXPECT_EQ(back.samples().size(), source.samples().size()) << hz << " less " << less;
            EXPECT_GE(correlation(back.samples(), source.samples()), lossless() ? 0.999 : 0.98)
                << hz;
        }
    }
}

TEST_P(WriteFormat, GivesTheSameBytesAgain) {
    const Audio tone = make_sine(kRate, 0.5, 440);
    EXPECT_EQ(written(tone, {.format = GetParam()}), written(tone, {.format = GetParam()}));
}

TEST_P(WriteFormat, LimitsWithoutClipping) {
    // Clipped, three quarters of a sine twice too high would be flat.
    const Audio loud = make_sine(kRate, 1, 440, 2);
    const Audio back = read_back(written(loud, {.format = GetParam()}), kRate);
    EXPECT_LT(peak(back), 1);
    EXPECT_GT(peak(back), 0.85);
    EXPECT_LT(residual_db(back.samples().subspan(4'000, 16'000), kRate, 440), -30);
}

TEST_P(WriteFormat, ReachesTheLoudnessThatWasAskedFor) {
    const std::optional<Audio> sentence = load_sentence(870);
    if (!sentence) GTEST_SKIP() << "the recordings of pocketsphinx-testdata are not there";
    for (const float level : {0.05F, 0.2F, 1.0F}) {
        std::vector<float> samples(sentence->samples().begin(), sentence->samples().end());
        for (float& sample : samples) sample *= level;
        const WriteOptions options{.format = GetParam(), .loudness_lufs = kSpeechLoudness};
        const Audio back =
            read_back(written(Audio(sentence->rate(), samples), options), sentence->rate());
        EXPECT_NEAR(lufs(back), kSpeechLoudness, 0.5) << level;
        EXPECT_LT(peak(back), 1) << level;
    }
}

TEST_P(WriteFormat, TakesSilenceShortnessAndWhatIsNoNumber) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const auto& samples :
         {std::vector<float>(24'000), std::vector<float>(10, 0.5F),
          std::vector<float>{nan, std::numeric_limits<float>::infinity(), 1e38F, 0.5F}}) {
        const WriteOptions options{.format = GetParam(), .loudness_lufs = kSpeechLoudness};
        const Audio back = read_back(written(Audio(kRate, samples), options), kRate);
        // An MP3 cannot say that it holds less than its shortest pair of frames.
        const double slack = GetParam() == AudioFormat::Mp3 && samples.size() < 576 ? 48 : 0;
        EXPECT_NEAR(static_cast<double>(back.samples().size()), static_cast<double>(samples.size()),
                    slack);
    }
    EXPECT_TRUE(write(Audio(kRate, {}), {.format = GetParam()}, {}));
}

TEST(Write, MakesTheSameWavAsMakeWav) {
    const Audio tone = make_sine(kRate, 0.5, 440);
    EXPECT_EQ(written(tone, {}), make_wav(tone));
}

TEST(Write, GivesFlacTheSamplesOfTheWav) {
    const Audio tone = make_sine(kRate, 0.5, 440);
    const Audio wav = read_back(written(tone, {}), kRate);
    const Audio flac = read_back(written(tone, {.format = AudioFormat::Flac}), kRate);
    EXPECT_TRUE(std::ranges::equal(wav.samples(), flac.samples()));
}

TEST(Write, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    const Audio tone = make_sine(kRate, 0.5, 440);
    const auto stopped = write(tone, {.format = AudioFormat::Mp3}, source.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
}

TEST(ParseFormat, KnowsTheFourWords) {
    EXPECT_EQ(parse_format("wav"), AudioFormat::Wav);
    EXPECT_EQ(parse_format("mp3"), AudioFormat::Mp3);
    EXPECT_EQ(parse_format("opus"), AudioFormat::Opus);
    EXPECT_EQ(parse_format("flac"), AudioFormat::Flac);
    EXPECT_FALSE(parse_format("WAV"));
    EXPECT_FALSE(parse_format(""));
    EXPECT_FALSE(parse_format("aac"));
}

}  // namespace
}  // namespace titans::audio
