#include "audio/kind.h"

namespace titans::audio {
namespace {

std::uint8_t byte_at(std::span<const std::byte> bytes, std::size_t index) {
    return index < bytes.size() ? std::to_integer<std::uint8_t>(bytes[index]) : 0;
}

bool has(std::span<const std::byte> bytes, std::size_t offset, std::string_view text) {
    if (bytes.size() < offset + text.size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (byte_at(bytes, offset + i) != static_cast<std::uint8_t>(text[i])) return false;
    }
    return true;
}

/// ISO/IEC 13818-7, section 1.2: twelve bits set, layer 00.
bool is_adts(std::span<const std::byte> bytes) {
    return byte_at(bytes, 0) == 0xFF && (byte_at(bytes, 1) & 0xF6U) == 0xF0;
}

/// ISO/IEC 11172-3, section 2.4.2.3: eleven bits set, layer III, and no reserved version, bitrate
/// or rate.
bool is_mpeg_layer_3(std::span<const std::byte> bytes) {
    const std::uint8_t second = byte_at(bytes, 1);
    const std::uint8_t third = byte_at(bytes, 2);
    return byte_at(bytes, 0) == 0xFF && (second & 0xE0U) == 0xE0 && (second & 0x18U) != 0x08 &&
           (second & 0x06U) == 0x02 && (third & 0xF0U) != 0xF0 && (third & 0x0CU) != 0x0C;
}

}  // namespace

std::size_t id3_size(std::span<const std::byte> bytes) {
    // ID3v2.4, section 3.1: four bytes of seven bits, not counting a header and perhaps a footer of
    // ten bytes each.
    if (!has(bytes, 0, "ID3") || bytes.size() < 10) return 0;
    std::size_t size = 0;
    for (std::size_t i = 6; i < 10; ++i) size = size << 7 | (byte_at(bytes, i) & 0x7FU);
    const bool footer = (byte_at(bytes, 5) & 0x10U) != 0;
    return size + (footer ? 20 : 10);
}

std::span<const std::byte> after_id3(std::span<const std::byte> bytes) {
    return bytes.subspan(std::min(id3_size(bytes), bytes.size()));
}

std::optional<AudioKind> find_audio_kind(std::span<const std::byte> bytes) {
    const bool tagged = has(bytes, 0, "ID3");
    bytes = after_id3(bytes);
    // Only the beginning of a file may have been given: nearly all tagged recordings are MP3.
    if (tagged && bytes.empty()) return AudioKind::Mp3;
    if (has(bytes, 0, "RIFF") && has(bytes, 8, "WAVE")) return AudioKind::Wav;
    if (has(bytes, 0, "fLaC")) return AudioKind::Flac;
    if (has(bytes, 0, "OggS")) return AudioKind::Ogg;
    if (has(bytes, 0, "\x1A\x45\xDF\xA3")) return AudioKind::Matroska;
    if (has(bytes, 4, "ftyp")) return AudioKind::Mp4;
    if (has(bytes, 0, "FORM") && (has(bytes, 8, "AIFF") || has(bytes, 8, "AIFC"))) {
        return AudioKind::Aiff;
    }
    if (is_adts(bytes)) return AudioKind::Aac;
    if (is_mpeg_layer_3(bytes)) return AudioKind::Mp3;
    return std::nullopt;
}

std::string_view file_extension(AudioKind kind) {
    switch (kind) {
        case AudioKind::Wav:
            return "wav";
        case AudioKind::Mp3:
            return "mp3";
        case AudioKind::Flac:
            return "flac";
        case AudioKind::Ogg:
            return "ogg";
        case AudioKind::Matroska:
            return "webm";
        case AudioKind::Mp4:
            return "m4a";
        case AudioKind::Aac:
            return "aac";
        case AudioKind::Aiff:
            return "aiff";
    }
    std::unreachable();
}

std::string_view media_type(AudioKind kind) {
    switch (kind) {
        case AudioKind::Wav:
            return "audio/wav";
        case AudioKind::Mp3:
            return "audio/mpeg";
        case AudioKind::Flac:
            return "audio/flac";
        case AudioKind::Ogg:
            return "audio/ogg";
        case AudioKind::Matroska:
            return "audio/webm";
        case AudioKind::Mp4:
            return "audio/mp4";
        case AudioKind::Aac:
            return "audio/aac";
        case AudioKind::Aiff:
            return "audio/aiff";
    }
    std::unreachable();
}

}  // namespace titans::audio
