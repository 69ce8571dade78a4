#include "audio/resample.h"

#include <cassert>

#include "audio/mono_resampler.h"

namespace titans::audio {

Audio resample(const Audio& audio, SampleRate rate) {
    assert(audio.rate().hz >= 1000 && audio.rate().hz <= 768'000);
    assert(rate.hz >= 1000 && rate.hz <= 768'000);
    if (rate == audio.rate()) return audio;

    // value() throws only where memory is exhausted: the formats are fixed.
    auto resampler =
        MonoResampler::open(AV_CHANNEL_LAYOUT_MONO, AV_SAMPLE_FMT_FLT, audio.rate(), rate).value();
    std::vector<float> resampled;
    std::span<const float> rest = audio.samples();
    while (!rest.empty()) {
        const std::span<const float> block =
            rest.first(std::min<std::size_t>(rest.size(), 1 << 16));
        const auto* plane = reinterpret_cast<const std::uint8_t*>(block.data());
        resampler.push(&plane, static_cast<int>(block.size()), resampled).value();
        rest = rest.subspan(block.size());
    }
    resampler.finish(resampled).value();
    return {rate, std::move(resampled)};
}

}  // namespace titans::audio
