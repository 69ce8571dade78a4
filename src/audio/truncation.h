#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "audio/kind.h"

namespace titans::audio {

/// Whether a recording breaks off before the end that its container announces. Demuxers are silent
/// about that: they hand out what is there. A recorder that was stopped leaves sizes open, which is
/// no fault; nor can a stream cut between two Ogg pages or Matroska blocks be told from one that
/// was stopped there.
bool ends_early(AudioKind kind, std::span<const std::byte> bytes);

/// What an MP3's Xing or Info header announces; 0 where it is silent.
struct Mp3Size {
    std::int64_t frames = 0;
    std::int64_t bytes = 0;  // from the first frame on
};
Mp3Size announced_mp3_size(std::span<const std::byte> bytes);

}  // namespace titans::audio
