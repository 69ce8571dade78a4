#include "audio/limiter.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

namespace titans::audio {
namespace {

/// Of each element the least within `reach` on both sides.
std::vector<float> sliding_minimum(const std::vector<float>& values, std::size_t reach) {
    std::vector<float> least(values.size());
    std::deque<std::size_t> candidates;  // of rising values, the least in front
    std::size_t next = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
        for (; next < values.size() && next <= i + reach; ++next) {
            while (!candidates.empty() && values[candidates.back()] >= values[next]) {
                candidates.pop_back();
            }
            candidates.push_back(next);
        }
        if (candidates.front() + reach < i) candidates.pop_front();
        least[i] = values[candidates.front()];
    }
    return least;
}

}  // namespace

void limit_peaks(std::span<float> samples, SampleRate rate, float ceiling) {
    const auto exceeds = [ceiling](float sample) { return std::abs(sample) > ceiling; };
    if (std::ranges::none_of(samples, exceeds)) return;

    std::vector<float> gains(samples.size());
    std::ranges::transform(samples, gains.begin(), [&](float sample) {
        return exceeds(sample) ? ceiling / std::abs(sample) : 1.0F;
    });
    // The mean of the minima around a sample: each of them is at most what this sample needs.
    const std::size_t reach = std::max<std::size_t>(1, static_cast<std::size_t>(rate.hz) / 200);
    const std::vector<float> least = sliding_minimum(gains, reach);
    const auto at = [&](std::size_t i) -> double {  // beyond both ends: no limiting
        return i < reach || i - reach >= least.size() ? 1.0 : least[i - reach];
    };
    const std::size_t window = 2 * reach + 1;
    double missing = 0;  // of full gain, summed over the window
    for (std::size_t i = 0; i + 1 < window; ++i) missing += 1 - at(i);
    for (std::size_t i = 0; i < samples.size(); ++i) {
        missing += 1 - at(i + window - 1);
        const double gain = 1 - std::max(missing, 0.0) / static_cast<double>(window);
        if (missing > 1e-9) {
            samples[i] = std::clamp(static_cast<float>(samples[i] * gain), -ceiling, ceiling);
        }
        missing -= 1 - at(i);
    }
}

}  // namespace titans::audio
