#include "audio/mel_spectrogram.h"

#include <cmath>
#include <numbers>
#include <numeric>

#include "audio/mel_filters.h"

namespace titans::audio {

Result<MelSpectrogram> MelSpectrogram::make(const MelOptions& options) {
    TITANS_TRY(RealFourier fourier, RealFourier::make(options.fft_size));
    return MelSpectrogram(options, std::move(fourier));
}

MelSpectrogram::MelSpectrogram(const MelOptions& options, RealFourier fourier)
    : options_(options), fourier_(std::move(fourier)) {
    for (int i = 0; i < options.fft_size; ++i) {
        const double turns = static_cast<double>(i) / options.fft_size;
        window_.push_back(static_cast<float>(0.5 * (1 - std::cos(2 * std::numbers::pi * turns))));
    }
    const auto bins = static_cast<std::ptrdiff_t>(options.fft_size / 2 + 1);
    const std::vector<float> all =
        mel_filters(options.scale, options.mels, options.fft_size, options.rate);
    for (auto row = all.begin(); row != all.end(); row += bins) {
        const auto is_some = [](float weight) { return weight > 0; };
        const auto first = std::find_if(row, row + bins, is_some);
        const auto last = std::find_if_not(first, row + bins, is_some);
        filters_.push_back({static_cast<int>(first - row), {first, last}});
    }
}

std::vector<float> MelSpectrogram::bands(std::span<const float> samples, int frames) const {
    const auto size = static_cast<std::ptrdiff_t>(window_.size());
    std::vector<float> bands;
    bands.reserve(static_cast<std::size_t>(frames) * filters_.size());
    std::vector<float> frame(window_.size());
    std::vector<std::complex<float>> bins(window_.size() / 2 + 1);
    std::vector<float> loud(bins.size());
    for (int i = 0; i < frames; ++i) {
        const std::ptrdiff_t start = static_cast<std::ptrdiff_t>(i) * options_.hop - size / 2;
        if (start >= std::ssize(samples)) {  // silence from here on
            bands.resize(static_cast<std::size_t>(frames) * filters_.size());
            break;
        }
        for (std::ptrdiff_t k = 0; k < size; ++k) {
            const auto at = static_cast<std::size_t>(std::abs(start + k));
            frame[static_cast<std::size_t>(k)] =
                at < samples.size() ? samples[at] * window_[static_cast<std::size_t>(k)] : 0;
        }
        fourier_.transform(frame, bins);
        std::ranges::transform(bins, loud.begin(), [this](std::complex<float> bin) {
            return options_.of == MelOptions::Of::Energy ? std::norm(bin) : std::abs(bin);
        });
        for (const Filter& filter : filters_) {
            bands.push_back(std::transform_reduce(filter.weights.begin(), filter.weights.end(),
                                                  loud.begin() + filter.first, 0.0F));
        }
    }
    return bands;
}

}  // namespace titans::audio
