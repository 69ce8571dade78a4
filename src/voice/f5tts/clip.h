#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "audio/audio.h"

namespace titans::voice::f5tts {

/// A recording of 16 bits that is addressed by whole milliseconds, with pydub's ways of rounding:
/// its length is rounded to the next one, and where a cut then reaches beyond the last sample there
/// is silence.
class Clip {
public:
    Clip(SampleRate rate, std::vector<std::int16_t> samples)
        : rate_(rate), samples_(std::move(samples)) {}
    /// Samples beyond [-1, 1] are clipped.
    explicit Clip(const audio::Audio& audio);

    std::span<const std::int16_t> samples() const& { return samples_; }
    std::span<const std::int16_t> samples() const&& = delete;
    /// Those of [from, to) that there are.
    std::span<const std::int16_t> samples(int from, int to) const;
    SampleRate rate() const { return rate_; }
    int milliseconds() const;
    /// [from, to) of it; both are taken for the end where they are beyond.
    Clip cut(int from, int to) const;
    Clip reversed() const;
    void append(const Clip& more);

    /// The root of the mean square of samples from -32768 to 32767, rounded down.
    int rms(int from, int to) const;

    audio::Audio audio() const;

private:
    /// Where the sample is that begins a millisecond; of the end where it is beyond.
    std::size_t position(int ms) const;

    SampleRate rate_;
    std::vector<std::int16_t> samples_;
};

/// Milliseconds [begin, end).
struct Span {
    int begin = 0;
    int end = 0;
    bool operator==(const Span&) const = default;
};

/// Where at least `min_silence_ms` are at most as loud as `threshold_db` (of full scale), looked
/// for at every 10 ms: pydub.silence.detect_silence().
std::vector<Span> find_silence(const Clip& clip, int min_silence_ms, double threshold_db);

/// What is between the silences, each with up to `keep_ms` of them at either side:
/// pydub.silence.split_on_silence().
std::vector<Span> split_at_silence(const Clip& clip, int min_silence_ms, double threshold_db,
                                   int keep_ms);

/// How long its beginning is softer than `threshold_db`, in steps of 10 ms:
/// pydub.silence.detect_leading_silence().
int leading_silence(const Clip& clip, double threshold_db);

}  // namespace titans::voice::f5tts
