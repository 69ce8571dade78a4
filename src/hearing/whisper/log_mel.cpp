#include "hearing/whisper/log_mel.h"

#include <cmath>

namespace titans::hearing::whisper {

std::vector<float> log_mel(const audio::MelSpectrogram& spectrogram, std::span<const float> samples,
                           int frames) {
    constexpr float kLeastEnergy = 1e-10F;
    constexpr float kRange = 8;  // decades
    std::vector<float> values = spectrogram.bands(samples, frames);
    const float loudest = values.empty() ? 0 : std::ranges::max(values);
    const float least =
        std::max(std::log10(std::max(loudest, kLeastEnergy)) - kRange, std::log10(kLeastEnergy));
    const float least_energy = std::pow(10.0F, least);
    for (float& value : values) {
        const float logarithm = value <= least_energy ? least : std::log10(value);
        value = (logarithm + 4) / 4;
    }
    return values;
}

}  // namespace titans::hearing::whisper
