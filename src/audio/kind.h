#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace titans::audio {

/// The containers of recordings that decode() reads.
enum class AudioKind : std::uint8_t { Wav, Mp3, Flac, Ogg, Matroska, Mp4, Aac, Aiff };

/// Which container `bytes` begin like; nothing if none of them. A name or a declared type is never
/// asked.
std::optional<AudioKind> find_audio_kind(std::span<const std::byte> bytes);

/// The size of the ID3v2 tag that a file of ten bytes or more begins with, also if it reaches
/// beyond `bytes`; 0: none.
std::size_t id3_size(std::span<const std::byte> bytes);

/// `bytes` without the ID3v2 tag that they may begin with; empty if the tag is longer than they
/// are.
std::span<const std::byte> after_id3(std::span<const std::byte> bytes);

/// The usual end of a file name: "wav".
std::string_view file_extension(AudioKind kind);

/// "audio/wav".
std::string_view media_type(AudioKind kind);

}  // namespace titans::audio
