#include "audio/decoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "audio/encode_for_test.h"
#include "audio/wav.h"

namespace titans::audio {
namespace {

constexpr SampleRate kRate{16'000};

struct Format {
    const char* muxer;
    const char* encoder;
    int rate = 48'000;
    int channels = 1;
};

void PrintTo(const Format& format, std::ostream* out) {
    *out << format.muxer << ' ' << format.encoder << ' ' << format.rate << " Hz x"
         << format.channels;
}

class DecodeFormat : public testing::TestWithParam<Format> {
protected:
    static std::vector<std::byte> encode(const Audio& audio) {
        return encode_for_test(audio, GetParam().muxer, GetParam().encoder, GetParam().channels);
    }
    static SampleRate rate() { return SampleRate{GetParam().rate}; }
};

INSTANTIATE_TEST_SUITE_P(
    All, DecodeFormat,
    testing::Values(Format{"wav", "pcm_u8"}, Format{"wav", "pcm_s16le"},
                    Format{"wav", "pcm_s16le", 44'100, 2}, Format{"wav", "pcm_s24le", 48'000, 2},
                    Format{"wav", "pcm_s32le"}, Format{"wav", "pcm_f32le"},
                    Format{"wav", "pcm_f64le"}, Format{"wav", "pcm_alaw", 8'000},
                    Format{"wav", "pcm_mulaw", 8'000}, Format{"wav", "pcm_s16le", 48'000, 6},
                    Format{"aiff", "pcm_s16be"}, Format{"aiff", "pcm_s24be", 44'100, 2},
                    Format{"mp3", "libmp3lame", 44'100, 2}, Format{"mp3", "libmp3lame", 16'000},
                    Format{"flac", "flac"}, Format{"flac", "flac", 44'100, 2},
                    Format{"ogg", "libvorbis"}, Format{"ogg", "libopus", 48'000, 2},
                    Format{"ogg", "flac"}, Format{"webm", "libopus"},
                    Format{"webm", "libvorbis", 44'100, 2}, Format{"ipod", "aac", 44'100, 2},
                    Format{"mp4", "aac"}, Format{"ipod", "alac"}, Format{"adts", "aac"}));

TEST_P(DecodeFormat, GivesTheSoundItsLengthAndItsLevel) {
    const Audio tone = make_sine(rate(), 1, 440);
    const Result<Audio> decoded = decode(encode(tone), kRate, {}, {});
    ASSERT_TRUE(decoded) << decoded.error().message << ": " << decoded.error().detail;
    EXPECT_EQ(decoded->rate(), kRate);
    // An ADTS stream has no place to state its padding: a frame before and one after. Vorbis loses
    // half a block.
    const double slack = std::string_view(GetParam().muxer) == "adts" ? 0.06 : 0.004;
    EXPECT_NEAR(decoded->duration().count(), 1, slack);
    const std::span<const float> middle = decoded->samples().subspan(4000, 8000);
    EXPECT_NEAR(amplitude_at(middle, kRate, 440), 0.5, 0.03);  // LAME scales by 0.95
    EXPECT_LT(residual_db(middle, kRate, 440), -30);
}

TEST_P(DecodeFormat, StartsWhereTheRecordingStarts) {
    if (std::string_view(GetParam().muxer) == "adts")
        GTEST_SKIP() << "an ADTS stream cannot state its delay";
    // Silence, then a tone from 0.5 s on: the delay of the encoder must not move it.
    const Audio tone = make_sine(rate(), 0.5, 1000);
    std::vector<float> samples(static_cast<std::size_t>(rate().hz) / 2);
    samples.insert(samples.end(), tone.samples().begin(), tone.samples().end());
    const Result<Audio> decoded = decode(encode(Audio(rate(), samples)), kRate, {}, {});
    ASSERT_TRUE(decoded) << decoded.error().message;
    const auto loud = [](float sample) { return std::abs(sample) > 0.25F; };
    const auto first = std::ranges::find_if(decoded->samples(), loud);
    EXPECT_NEAR(static_cast<double>(first - decoded->samples().begin()) / kRate.hz, 0.5, 0.002);
}

TEST_P(DecodeFormat, RefusesEveryBeginningOrGivesAllOfIt) {
    // Live formats may end after any complete page, block or frame; nothing tells a cut there from
    // a stop.
    const bool live =
        std::string_view(GetParam().muxer) == "adts" || std::string_view(GetParam().muxer) == "ogg";
    const Audio tone = make_sine(rate(), 0.3, 440);
    const std::vector<std::byte> whole = encode(tone);
    const Result<Audio> all = decode(whole, kRate, {}, {});
    ASSERT_TRUE(all);
    std::size_t accepted = 0;
    const std::size_t step = std::max<std::size_t>(1, whole.size() / 400);
    for (std::size_t size = 0; size < whole.size(); size += size < 200 ? 1 : step) {
        const Result<Audio> part = decode(std::span(whole).first(size), kRate, {}, {});
        if (!part) {
            EXPECT_TRUE(part.error().kind == ErrorKind::InvalidInput ||
                        part.error().kind == ErrorKind::NothingHeard)
                << size << ": " << part.error().message;
            continue;
        }
        ++accepted;
        if (!live) {
            EXPECT_EQ(part->samples().size(), all->samples().size())
                << size << " of " << whole.size();
        }
    }
    if (live) {
        EXPECT_LT(accepted, 20U);
    }
}

Result<std::vector<float>> decode_in_pieces(std::span<const std::byte> bytes, std::size_t size) {
    Decoder decoder(kRate, {}, {});
    std::vector<float> samples;
    while (!bytes.empty()) {
        const auto piece = bytes.first(std::min(size, bytes.size()));
        TITANS_TRY(const std::vector<float> part, decoder.feed(piece));
        samples.insert(samples.end(), part.begin(), part.end());
        bytes = bytes.subspan(piece.size());
    }
    TITANS_TRY(const std::vector<float> rest, decoder.finish());
    samples.insert(samples.end(), rest.begin(), rest.end());
    return samples;
}

TEST_P(DecodeFormat, GivesTheSameSamplesPieceByPiece) {
    const std::vector<std::byte> whole = encode(make_sine(rate(), 1, 440));
    const Result<Audio> all = decode(whole, kRate, {}, {});
    ASSERT_TRUE(all);
    for (const std::size_t size : {std::size_t{131}, std::size_t{9973}, std::size_t{1} << 20}) {
        const Result<std::vector<float>> pieces = decode_in_pieces(whole, size);
        ASSERT_TRUE(pieces) << size << ": " << pieces.error().detail;
        EXPECT_TRUE(std::ranges::equal(*pieces, all->samples())) << size;
    }
}

TEST_P(DecodeFormat, GivesWhatHasComeOrWaitsForTheEnd) {
    const std::string_view muxer = GetParam().muxer;
    const bool waits = muxer == "mp4" || muxer == "ipod" || muxer == "aiff";
    const std::vector<std::byte> whole = encode(make_sine(rate(), 4, 440));
    Decoder decoder(kRate, {}, {});
    const Result<std::vector<float>> half = decoder.feed(std::span(whole).first(whole.size() / 2));
    ASSERT_TRUE(half) << half.error().detail;
    if (waits) {
        EXPECT_TRUE(half->empty());
    } else {
        // FLAC's parser looks ten frames ahead; a page of Ogg holds a second.
        EXPECT_GT(static_cast<double>(half->size()) / kRate.hz, 0.7);
    }
    // What was begun is not finished here.
    const Result<std::vector<float>> end = decoder.finish();
    if (muxer != "ogg" && muxer != "adts") {
        ASSERT_FALSE(end);
        EXPECT_EQ(end.error().kind, ErrorKind::InvalidInput);
    }
}

TEST_P(DecodeFormat, SurvivesDamage) {
    const std::vector<std::byte> whole = encode(make_sine(rate(), 0.3, 440));
    std::minstd_rand random(7);  // NOLINT(cert-msc51-cpp): the same damage in every run
    for (int round = 0; round < 150; ++round) {
        std::vector<std::byte> damaged = whole;
        // The headers are what a demuxer believes: most of the damage goes there.
        for (int i = 0; i < 4; ++i) {
            const std::size_t reach =
                random() % 4 == 0 ? damaged.size() : std::min<std::size_t>(damaged.size(), 300);
            damaged[random() % reach] = static_cast<std::byte>(random() % 256);
        }
        const Result<Audio> decoded = decode(damaged, kRate, {}, {});
        if (!decoded) continue;
        EXPECT_LE(decoded->duration().count(), 600);
        for (const float sample : decoded->samples()) ASSERT_TRUE(sample >= -1 && sample <= 1);
    }
}

/// A WAV file of one mono format chunk and `data`.
std::vector<std::byte> make_raw_wav(std::uint16_t tag, std::uint16_t channels, std::uint32_t rate,
                                    std::uint16_t bits, std::span<const std::byte> data,
                                    std::optional<std::uint32_t> data_size = {}) {
    std::vector<std::byte> bytes;
    const auto text = [&](std::string_view word) {
        for (const char letter : word) bytes.push_back(static_cast<std::byte>(letter));
    };
    const auto number = [&](auto value) {
        const auto raw = std::bit_cast<std::array<std::byte, sizeof(value)>>(value);
        bytes.insert(bytes.end(), raw.begin(), raw.end());
    };
    const auto block = static_cast<std::uint16_t>(channels * bits / 8);
    text("RIFF");
    number(static_cast<std::uint32_t>(36 + data.size()));
    text("WAVEfmt ");
    number(std::uint32_t{16});
    number(tag);
    number(channels);
    number(rate);
    number(rate * block);
    number(block);
    number(bits);
    text("data");
    number(data_size.value_or(static_cast<std::uint32_t>(data.size())));
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
}

ErrorKind kind_of(const Result<Audio>& result) {
    return result ? ErrorKind::Conflict : result.error().kind;
}

TEST(Decode, MixesChannelsToTheirMean) {
    const std::array<std::int16_t, 6> samples{8192, 16384, -8192, 8192, 32767, 32767};
    const Result<Audio> decoded =
        decode(make_raw_wav(1, 2, 16'000, 16, std::as_bytes(std::span(samples))), kRate, {}, {});
    ASSERT_TRUE(decoded);
    EXPECT_THAT(decoded->samples(),
                testing::ElementsAre(testing::FloatNear(0.375F, 1e-4F),
                                     testing::FloatNear(0, 1e-4F), testing::FloatNear(1, 1e-4F)));
}

TEST(Decode, TakesAStreamedWavWhoseSizeWasLeftOpen) {
    const std::vector<std::int16_t> samples(1600, 1000);
    for (const std::uint32_t size : {0U, 0xFFFF'FFFFU, 0x7FFF'FFDBU}) {
        const Result<Audio> decoded = decode(
            make_raw_wav(1, 1, 16'000, 16, std::as_bytes(std::span(samples)), size), kRate, {}, {});
        ASSERT_TRUE(decoded) << size << ' ' << decoded.error().detail;
        EXPECT_EQ(decoded->samples().size(), 1600U) << size;
    }
}

TEST(Decode, RefusesImpossibleHeaders) {
    const std::vector<std::byte> data(3200);
    EXPECT_EQ(kind_of(decode(make_raw_wav(1, 0, 16'000, 16, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode(make_raw_wav(1, 65535, 16'000, 16, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode(make_raw_wav(1, 9, 16'000, 16, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode(make_raw_wav(1, 1, 0, 16, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode(make_raw_wav(1, 1, 1, 16, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode(make_raw_wav(1, 1, 0xFFFF'FFFF, 16, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode(make_raw_wav(1, 1, 16'000, 0, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode(make_raw_wav(0x1234, 1, 16'000, 16, data), kRate, {}, {})),
              ErrorKind::InvalidInput);
}

TEST(Decode, RefusesACodecThatIsNotOnTheList) {
    const std::vector<std::byte> adpcm =
        encode_for_test(make_sine(kRate, 0.5, 440), "wav", "adpcm_ms");
    ASSERT_FALSE(adpcm.empty());
    EXPECT_EQ(kind_of(decode(adpcm, kRate, {}, {})), ErrorKind::InvalidInput);
}

TEST(Decode, RefusesWhatIsNoRecording) {
    const std::string text = "This is no recording at all, however it is named.";
    EXPECT_EQ(kind_of(decode(std::as_bytes(std::span(text)), kRate, {}, {})),
              ErrorKind::InvalidInput);
    EXPECT_EQ(kind_of(decode({}, kRate, {}, {})), ErrorKind::InvalidInput);
}

TEST(Decode, SaysThatAnEmptyRecordingHoldsNothing) {
    EXPECT_EQ(kind_of(decode(make_wav(Audio(kRate, {})), kRate, {}, {})), ErrorKind::NothingHeard);
}

TEST(Decode, RefusesSamplesThatAreNotNumbers) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        std::vector<float> samples(1600, 0.1F);
        samples[800] = bad;
        for (const std::uint32_t rate : {16'000U, 44'100U}) {
            const auto wav = make_raw_wav(3, 1, rate, 32, std::as_bytes(std::span(samples)));
            EXPECT_EQ(kind_of(decode(wav, kRate, {}, {})), ErrorKind::InvalidInput);
        }
    }
}

TEST(Decode, LimitsSamplesToOne) {
    const std::vector<float> samples(1600, 3.0F);
    const Result<Audio> decoded =
        decode(make_raw_wav(3, 1, 16'000, 32, std::as_bytes(std::span(samples))), kRate, {}, {});
    ASSERT_TRUE(decoded);
    EXPECT_EQ(*std::ranges::max_element(decoded->samples()), 1.0F);
}

TEST(Decode, StopsAtItsLimits) {
    const std::vector<std::byte> flac = encode_for_test(make_sine(kRate, 3, 440), "flac", "flac");
    const auto second = DecodeLimits{.duration = std::chrono::seconds(1)};
    EXPECT_EQ(kind_of(decode(flac, kRate, second, {})), ErrorKind::TooLarge);
    EXPECT_EQ(kind_of(decode(flac, kRate, {.decoded_bytes = 50'000}, {})), ErrorKind::TooLarge);
    EXPECT_TRUE(decode(flac, kRate, {.duration = std::chrono::seconds(3)}, {}));
}

TEST(Decode, SaysWhereARecordingBreaks) {
    const std::vector<std::byte> wav = make_wav(make_sine(kRate, 2, 440));
    const auto cut = std::span(wav).first(44 + 2 * 16'000 * 3 / 2);
    const Result<Audio> decoded = decode(cut, kRate, {}, {});
    ASSERT_FALSE(decoded);
    EXPECT_THAT(decoded.error().message, testing::HasSubstr("after 1.5 s"));

    std::vector<std::byte> flac = encode_for_test(make_sine(kRate, 2, 440), "flac", "flac");
    flac[flac.size() * 3 / 4] ^= std::byte{0x10};
    const Result<Audio> damaged = decode(flac, kRate, {}, {});
    ASSERT_FALSE(damaged);
    EXPECT_THAT(damaged.error().message, testing::ContainsRegex("after [01]\\.[0-9] s"));
}

TEST(Decode, SkipsTheTagsAroundAnMp3) {
    const Audio tone = make_sine(kRate, 1, 440);
    std::vector<std::byte> mp3 = encode_for_test(tone, "mp3", "libmp3lame");
    // ID3v1: at the end, 128 bytes.
    const std::string tag = "TAG" + std::string(125, 'x');
    for (const char letter : tag) mp3.push_back(static_cast<std::byte>(letter));
    const Result<Audio> decoded = decode(mp3, kRate, {}, {});
    ASSERT_TRUE(decoded) << decoded.error().detail;
    EXPECT_EQ(decoded->samples().size(), 16'000U);
}

TEST(Decode, TakesOnlyItsTime) {
    const std::vector<std::byte> flac = encode_for_test(make_sine(kRate, 3, 440), "flac", "flac");
    const DecodeLimits none{.time = std::chrono::seconds(0)};
    EXPECT_EQ(kind_of(decode(flac, kRate, none, {})), ErrorKind::TooLarge);
    Decoder decoder(kRate, none, {});
    const Result<std::vector<float>> part = decoder.feed(flac);
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().kind, ErrorKind::TooLarge);
}

TEST(Decode, ReadsAnExtensibleHeader) {
    // Six channels have no place in a plain one.
    const std::vector<std::byte> wav =
        encode_for_test(make_sine(SampleRate{48'000}, 1, 440), "wav", "pcm_s24le", 6);
    ASSERT_EQ(wav[20], std::byte{0xFE});
    ASSERT_EQ(wav[21], std::byte{0xFF});
    EXPECT_TRUE(decode(wav, kRate, {}, {}));
}

TEST(Decoder, GivesItsErrorAgain) {
    Decoder decoder(kRate, {}, {});
    const std::string text = "This is no recording at all.";
    for (int i = 0; i < 2; ++i) {
        const auto part = decoder.feed(std::as_bytes(std::span(text)));
        ASSERT_FALSE(part);
        EXPECT_EQ(part.error().kind, ErrorKind::InvalidInput);
    }
    ASSERT_FALSE(decoder.finish());
}

TEST(Decoder, CanBeLeftInTheMiddle) {
    const std::vector<std::byte> wav = make_wav(make_sine(kRate, 1, 440));
    for (const std::size_t size : {std::size_t{0}, std::size_t{20}, std::size_t{10'000}}) {
        Decoder decoder(kRate, {}, {});
        EXPECT_TRUE(decoder.feed(std::span(wav).first(size)));
    }
}

TEST(Decoder, SaysThatItHasHeardNothing) {
    Decoder decoder(kRate, {}, {});
    ASSERT_TRUE(decoder.feed(make_wav(Audio(kRate, {}))));
    const auto end = decoder.finish();
    ASSERT_FALSE(end);
    EXPECT_EQ(end.error().kind, ErrorKind::NothingHeard);
}

TEST(Decoder, HoldsNoMoreThanItMay) {
    const std::vector<std::byte> mp4 = encode_for_test(make_sine(kRate, 2, 440), "mp4", "aac");
    Decoder decoder(kRate, {.held_bytes = 10'000}, {});
    const auto part = decoder.feed(mp4);
    ASSERT_FALSE(part);
    EXPECT_EQ(part.error().kind, ErrorKind::TooLarge);
}

TEST(Decode, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    const std::vector<std::byte> wav = make_wav(make_sine(kRate, 1, 440));
    EXPECT_EQ(kind_of(decode(wav, kRate, {}, source.get_token())), ErrorKind::Cancelled);
}

}  // namespace
}  // namespace titans::audio
