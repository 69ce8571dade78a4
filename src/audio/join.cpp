#include "audio/join.h"

#include <cassert>
#include <cmath>

namespace titans::audio {

Audio join(std::span<const Audio> sentences, Milliseconds pause) {
    assert(!sentences.empty());
    const SampleRate rate = sentences.front().rate();
    const auto gap = static_cast<std::size_t>(std::lround(pause.count() / 1000.0 * rate.hz));

    std::size_t size = gap * (sentences.size() - 1);
    for (const Audio& sentence : sentences) size += sentence.samples().size();

    std::vector<float> joined;
    joined.reserve(size);
    for (const Audio& sentence : sentences) {
        assert(sentence.rate() == rate);
        if (&sentence != &sentences.front()) joined.insert(joined.end(), gap, 0.0F);
        joined.insert(joined.end(), sentence.samples().begin(), sentence.samples().end());
    }
    return {rate, std::move(joined)};
}

}  // namespace titans::audio
