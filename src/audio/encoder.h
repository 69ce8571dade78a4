#pragma once

#include <cstddef>
#include <stop_token>
#include <vector>

#include "audio/audio.h"
#include "audio/writer.h"
#include "foundation/error.h"

namespace titans::audio {

/// `audio`, whose samples are numbers in [-1, 1], as a file of `format`, which is not Wav. The same
/// audio gives the same bytes. The file states the encoder's delay, so that a decoder gives back as
/// many samples as went in. A rate that the format has not becomes 48 kHz.
///
/// Polls `stop` between frames. Errors: Unsupported if this build of FFmpeg lacks the encoder;
/// Cancelled; Internal.
Result<std::vector<std::byte>> encode(const Audio& audio, AudioFormat format, std::stop_token stop);

}  // namespace titans::audio
