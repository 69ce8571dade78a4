#include "audio/join.h"

#include <cassert>
#include <cmath>

namespace titans::audio {

Audio join(std::span<const Audio> parts) {
    assert(!parts.empty());
    const SampleRate rate = parts.front().rate();
    std::vector<float> joined;
    for (const Audio& part : parts) {
        assert(part.rate() == rate);
        joined.append_range(part.samples());
    }
    return {rate, std::move(joined)};
}

Audio after_silence(const Audio& audio, Milliseconds silence) {
    const double seconds = silence.count() / 1000.0;
    std::vector<float> samples(static_cast<std::size_t>(std::lround(seconds * audio.rate().hz)));
    samples.append_range(audio.samples());
    return {audio.rate(), std::move(samples)};
}

}  // namespace titans::audio
