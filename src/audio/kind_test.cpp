#include "audio/kind.h"

#include <gtest/gtest.h>

#include <string>

#include "audio/encode_for_test.h"
#include "audio/wav.h"

namespace titans::audio {
namespace {

std::optional<AudioKind> kind_of(std::string_view text) {
    return find_audio_kind(std::as_bytes(std::span(text.data(), text.size())));
}

TEST(AudioKind, IsSeenInTheFirstBytes) {
    const Audio tone = make_sine(SampleRate{48'000}, 0.2, 440);
    EXPECT_EQ(find_audio_kind(make_wav(tone)), AudioKind::Wav);
    EXPECT_EQ(find_audio_kind(encode_for_test(tone, "mp3", "libmp3lame")), AudioKind::Mp3);
    EXPECT_EQ(find_audio_kind(encode_for_test(tone, "flac", "flac")), AudioKind::Flac);
    EXPECT_EQ(find_audio_kind(encode_for_test(tone, "ogg", "libopus")), AudioKind::Ogg);
    EXPECT_EQ(find_audio_kind(encode_for_test(tone, "webm", "libopus")), AudioKind::Matroska);
    EXPECT_EQ(find_audio_kind(encode_for_test(tone, "ipod", "aac")), AudioKind::Mp4);
    EXPECT_EQ(find_audio_kind(encode_for_test(tone, "adts", "aac")), AudioKind::Aac);
    EXPECT_EQ(find_audio_kind(encode_for_test(tone, "aiff", "pcm_s16be")), AudioKind::Aiff);
}

TEST(AudioKind, LooksBehindATag) {
    EXPECT_EQ(kind_of(std::string("ID3\x04\0\0\0\0\0\x02..fLaC", 16)), AudioKind::Flac);
    EXPECT_EQ(kind_of(std::string("ID3\x04\0\0\0\0\0\x02..\xFF\xF1\x50\x80", 16)), AudioKind::Aac);
    EXPECT_EQ(kind_of(std::string("ID3\x04\0\0\x7F\x7F\x7F\x7F..", 12)), AudioKind::Mp3);
}

TEST(AudioKind, IsNothingForOtherFiles) {
    EXPECT_EQ(kind_of(""), std::nullopt);
    EXPECT_EQ(kind_of("R"), std::nullopt);
    EXPECT_EQ(kind_of("\x89PNG\r\n\x1A\n"), std::nullopt);
    EXPECT_EQ(kind_of("\xFF\xD8\xFF\xE0 JFIF"), std::nullopt);
    EXPECT_EQ(kind_of("%PDF-1.7"), std::nullopt);
    EXPECT_EQ(kind_of("RIFF\x10\0\0\0WEBPVP8 "), std::nullopt);
    EXPECT_EQ(kind_of("Once upon a time"), std::nullopt);
}

}  // namespace
}  // namespace titans::audio
