#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::audio {

struct DecodeLimits {
    std::chrono::seconds duration{600};
    /// Of the PCM that the file unpacks to, all its channels at its own rate.
    std::uint64_t decoded_bytes = std::uint64_t{2} << 30;
    /// Of a recording that a Decoder must have whole before it can begin.
    std::uint64_t held_bytes = std::uint64_t{256} << 20;
    /// Spent on decoding; waiting for more bytes does not count.
    std::chrono::duration<double> time{60};
};

/// The whole of a recording, mixed down to one channel, at `rate` (between 1 and 768 kHz). Reads
/// WAV, MP3, FLAC, Ogg and WebM (Vorbis, Opus, FLAC), MP4 (AAC, ALAC, MP3), AAC and AIFF, whichever
/// the first bytes say; of several tracks the best. An encoder's delay is cut off.
///
/// Thread-safe. Polls `stop` between packets. Errors: InvalidInput if `bytes` are not such a
/// recording, or a broken or incomplete one (it says after how many seconds); NothingHeard if it
/// holds no sample; TooLarge beyond `limits`; Cancelled; Internal.
Result<Audio> decode(std::span<const std::byte> bytes, SampleRate rate, const DecodeLimits& limits,
                     std::stop_token stop);

/// The same piece by piece, for a recording that is still coming. The pieces' samples, one after
/// the other, are those of decode(); of damaged WebM, in which FFmpeg searches for what is sound,
/// perhaps fewer.
///
/// WAV, MP3, FLAC, Ogg, WebM and AAC give the samples of what has come, less what is held back (by
/// FLAC ten frames, by Ogg a page, both about a second; by the others some packets), and take only
/// as much memory as a piece does. MP4 and AIFF may have at their end what their beginning needs:
/// they wait for finish(), `held_bytes` at most.
///
/// Not thread-safe. FFmpeg takes bytes where it wants them, so it runs on a thread of this object's
/// own, but only while feed() or finish() waits for it.
class Decoder {
public:
    Decoder(SampleRate rate, const DecodeLimits& limits, std::stop_token stop);
    Decoder(const Decoder&) = delete;
    Decoder& operator=(const Decoder&) = delete;
    ~Decoder();

    /// Takes the next bytes; the samples that they complete, mono, in [-1, 1]. Errors: those of
    /// decode(). After one, every call gives it again.
    Result<std::vector<float>> feed(std::span<const std::byte> bytes);

    /// There are no more bytes: the rest of the samples. An incomplete recording is an error now.
    Result<std::vector<float>> finish();

private:
    class Worker;

    Result<std::vector<float>> advance(std::span<const std::byte> bytes);
    Result<std::vector<float>> end();

    SampleRate rate_;
    DecodeLimits limits_;
    std::stop_token stop_;
    std::vector<std::byte> held_;  // what came before the worker can begin
    std::unique_ptr<Worker> worker_;
    std::optional<Error> error_;
    bool heard_ = false;  // a sample was given
};

}  // namespace titans::audio
