#include "audio/mel_filters.h"

#include <algorithm>
#include <cmath>

namespace titans::audio {
namespace {

constexpr double kHzPerMel = 200.0 / 3;  // below the break
constexpr double kBreakHz = 1000;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27;  // above it, 27 mels from 1 kHz to 6.4 kHz

double mel_of(MelScale scale, double hz) {
    if (scale == MelScale::Htk) return 2595 * std::log10(1 + hz / 700);
    return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + (std::log(hz / kBreakHz) / kLogStep);
}

double hz_of(MelScale scale, double mel) {
    if (scale == MelScale::Htk) return 700 * (std::pow(10, mel / 2595) - 1);
    return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp((mel - kBreakMel) * kLogStep);
}

}  // namespace

std::vector<float> mel_filters(MelScale scale, int mels, int fft_size, SampleRate rate) {
    const int bins = (fft_size / 2) + 1;
    const double mel_step = mel_of(scale, rate.hz / 2.0) / (mels + 1);
    std::vector<float> filters;
    filters.reserve(static_cast<std::size_t>(mels) * bins);
    for (int mel = 0; mel < mels; ++mel) {
        const double left = hz_of(scale, mel * mel_step);
        const double centre = hz_of(scale, (mel + 1) * mel_step);
        const double right = hz_of(scale, (mel + 2) * mel_step);
        for (int bin = 0; bin < bins; ++bin) {
            const double hz = static_cast<double>(bin) * rate.hz / fft_size;
            const double height =
                std::min((hz - left) / (centre - left), (right - hz) / (right - centre));
            const double top = scale == MelScale::Slaney ? 2 / (right - left) : 1;
            filters.push_back(static_cast<float>(std::max(0.0, height) * top));
        }
    }
    return filters;
}

}  // namespace titans::audio
