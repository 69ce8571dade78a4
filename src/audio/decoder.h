#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <stop_token>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::audio {

struct DecodeLimits {
    std::chrono::seconds duration{600};
    /// Of the PCM that the file unpacks to, all its channels at its own rate.
    std::uint64_t decoded_bytes = std::uint64_t{2} << 30;
};

/// The whole of a recording, mixed down to one channel, at `rate` (between 1 and 768 kHz). Reads
/// WAV, MP3, FLAC, Ogg and WebM (Vorbis, Opus, FLAC), MP4 (AAC, ALAC, MP3), AAC and AIFF, whichever
/// the first bytes say; of several tracks the best. An encoder's delay is cut off.
///
/// Thread-safe. Polls `stop` between packets. Errors: InvalidInput if `bytes` are not such a
/// recording, or a broken or incomplete one; NothingHeard if it holds no sample; TooLarge beyond
/// `limits`; Cancelled; Internal.
Result<Audio> decode(std::span<const std::byte> bytes, SampleRate rate, const DecodeLimits& limits,
                     std::stop_token stop);

}  // namespace titans::audio
