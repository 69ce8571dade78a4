// Every format at the rates and channels that it has: the same sentence must come out of each.

#include <gtest/gtest.h>

#include <cmath>

#include "audio/decoder.h"
#include "audio/encode_for_test.h"
#include "audio/resample.h"

namespace titans::audio {
namespace {

constexpr SampleRate kRate{16'000};
constexpr double kLossless = 0.999;
constexpr double kLossy = 0.98;

struct Format {
    const char* muxer;
    const char* encoder;
    std::vector<int> rates;
    std::vector<int> channels;
    double least_correlation;
};

void PrintTo(const Format& format, std::ostream* out) {
    *out << format.muxer << ' ' << format.encoder;
}

const std::vector<int> kPcmRates{8'000,  11'025, 16'000, 22'050, 24'000,
                                 32'000, 44'100, 48'000, 96'000, 192'000};
const std::vector<int> kMp3Rates{8'000,  11'025, 12'000, 16'000, 22'050,
                                 24'000, 32'000, 44'100, 48'000};
const std::vector<int> kAacRates{8'000,  11'025, 12'000, 16'000, 22'050, 24'000,
                                 32'000, 44'100, 48'000, 64'000, 88'200, 96'000};
const std::vector<int> kOpusRates{8'000, 12'000, 16'000, 24'000, 48'000};
const std::vector<int> kVorbisRates{8'000, 11'025, 16'000, 22'050, 32'000, 44'100, 48'000};

class EveryFormat : public testing::TestWithParam<Format> {
protected:
    /// `audio` encoded and decoded, at kRate.
    static Audio pass(const Audio& audio, int channels) {
        const auto bytes = encode_for_test(audio, GetParam().muxer, GetParam().encoder, channels);
        const bool delayed = std::string_view(GetParam().muxer) == "adts";
        Result<Audio> result = decode(bytes, delayed ? audio.rate() : kRate, {}, {});
        if (!result) {
            ADD_FAILURE() << result.error().message << ": " << result.error().detail;
            return {kRate, {}};
        }
        if (!delayed) return std::move(*result);
        const auto rest = result->samples().subspan(delay(result->samples(), audio.samples()));
        return resample(Audio(audio.rate(), {rest.begin(), rest.end()}), kRate);
    }

    /// By how much `samples` come later: an ADTS stream cannot state its encoder's delay.
    static std::size_t delay(std::span<const float> samples, std::span<const float> reference) {
        constexpr std::size_t kMost = 2500;
        constexpr std::size_t kWindow = 8000;
        const std::size_t from = reference.size() / 3;
        std::size_t best = 0;
        double most = 0;
        for (std::size_t lag = 0; lag < kMost; ++lag) {
            const double alike =
                correlation(samples.subspan(from + lag, kWindow), reference.subspan(from, kWindow));
            if (alike > most) {
                most = alike;
                best = lag;
            }
        }
        return best;
    }
};

INSTANTIATE_TEST_SUITE_P(
    All, EveryFormat,
    testing::Values(Format{"wav", "pcm_u8", kPcmRates, {1, 2, 6}, kLossless},
                    Format{"wav", "pcm_s16le", kPcmRates, {1, 2, 3, 4, 5, 6, 7, 8}, kLossless},
                    Format{"wav", "pcm_s24le", kPcmRates, {1, 2, 6}, kLossless},
                    Format{"wav", "pcm_s32le", kPcmRates, {1, 2, 6}, kLossless},
                    Format{"wav", "pcm_f32le", kPcmRates, {1, 2, 6}, kLossless},
                    Format{"wav", "pcm_f64le", kPcmRates, {1, 2, 6}, kLossless},
                    Format{"wav", "pcm_alaw", kPcmRates, {1, 2}, kLossless},
                    Format{"wav", "pcm_mulaw", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_s8", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_s16be", kPcmRates, {1, 2, 6}, kLossless},
                    Format{"aiff", "pcm_s24be", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_s32be", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_f32be", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_f64be", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_s16le", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_alaw", kPcmRates, {1, 2}, kLossless},
                    Format{"aiff", "pcm_mulaw", kPcmRates, {1, 2}, kLossless},
                    Format{"flac", "flac", kPcmRates, {1, 2, 6, 8}, kLossless},
                    Format{"ogg", "flac", kPcmRates, {1, 2}, kLossless},
                    Format{"ipod", "alac", {16'000, 44'100, 48'000, 96'000}, {1, 2}, kLossless},
                    Format{"mp3", "libmp3lame", kMp3Rates, {1, 2}, kLossy},
                    Format{"ogg", "libvorbis", kVorbisRates, {1, 2}, kLossy},
                    Format{"webm", "libvorbis", kVorbisRates, {1, 2}, kLossy},
                    Format{"ogg", "libopus", kOpusRates, {1, 2}, kLossy},
                    Format{"webm", "libopus", kOpusRates, {1, 2}, kLossy},
                    Format{"mp4", "aac", kAacRates, {1, 2, 6}, kLossy},
                    Format{"ipod", "aac", kAacRates, {1, 2}, kLossy},
                    Format{"adts", "aac", kAacRates, {1, 2}, kLossy}));

TEST_P(EveryFormat, GivesTheSameSentence) {
    const std::optional<Audio> sentence = load_sentence(880);
    if (!sentence) GTEST_SKIP() << "the recordings of pocketsphinx-testdata are not there";
    for (const int hz : GetParam().rates) {
        const Audio source = resample(*sentence, SampleRate{hz});
        const Audio reference = resample(source, kRate);
        for (const int channels : GetParam().channels) {
            const Audio result = pass(source, channels);
            EXPECT_GE(correlation(result.samples(), reference.samples()),
                      GetParam().least_correlation)
                << hz << " Hz x" << channels;
        }
    }
}

TEST_P(EveryFormat, DoesNotDriftInAMinute) {
    const std::optional<Audio> sentence = load_sentence(870);
    if (!sentence) GTEST_SKIP() << "the recordings of pocketsphinx-testdata are not there";
    std::vector<float> minute;
    while (minute.size() < 60 * 16'000) {
        minute.insert(minute.end(), sentence->samples().begin(), sentence->samples().end());
    }
    minute.resize(60 * 16'000);
    const auto& rates = GetParam().rates;
    const int hz = std::ranges::contains(rates, 44'100) ? 44'100 : 48'000;
    const Audio source = resample(Audio(kRate, minute), SampleRate{hz});
    const Audio reference = resample(source, kRate);

    const Audio result = pass(source, 1);
    ASSERT_GE(result.samples().size(), 59 * 16'000);
    const auto last = [](std::span<const float> samples) {
        return samples.subspan(57 * 16'000, 2 * 16'000);
    };
    EXPECT_GE(correlation(last(result.samples()), last(reference.samples())),
              GetParam().least_correlation);
    const bool exact = GetParam().least_correlation == kLossless ||
                       std::string_view(GetParam().encoder) == "libmp3lame" ||
                       std::string_view(GetParam().encoder) == "libopus";
    if (exact) {
        EXPECT_EQ(result.samples().size(), minute.size());
    }
}

}  // namespace
}  // namespace titans::audio
