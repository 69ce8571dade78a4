#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "audio/audio.h"

namespace titans::audio {

/// `audio` as a WAV file: mono, 16-bit PCM, little-endian. What exceeds [-1, 1] is limited, never
/// wrapped; what is not a number becomes silence. Dithered (triangular, one step wide each way)
/// with the same noise every time, so that the same audio gives the same bytes.
std::vector<std::byte> make_wav(const Audio& audio);

/// `samples` as that file has them.
std::vector<std::int16_t> dither(std::span<const float> samples);

}  // namespace titans::audio
