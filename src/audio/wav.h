#pragma once

#include <cstddef>
#include <vector>

#include "audio/audio.h"

namespace titans::audio {

/// `audio` as a WAV file: mono, 16-bit PCM, little-endian. What exceeds [-1, 1] is limited, never
/// wrapped; what is not a number becomes silence. Dithered (triangular, one step wide each way)
/// with the same noise every time, so that the same audio gives the same bytes.
std::vector<std::byte> make_wav(const Audio& audio);

}  // namespace titans::audio
