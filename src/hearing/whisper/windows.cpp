#include "hearing/whisper/windows.h"

#include <cassert>
#include <limits>
#include <numeric>

namespace titans::hearing::whisper {
namespace {

constexpr double kSilentRms = 1e-3;

double energy(std::span<const float> samples) {
    return std::transform_reduce(samples.begin(), samples.end(), 0.0, std::plus<>(),
                                 [](float sample) { return static_cast<double>(sample) * sample; });
}

/// The middle of the quietest fifth of a second in the last 40 % of `samples`.
std::size_t quietest(std::span<const float> samples, SampleRate rate) {
    const auto step = static_cast<std::size_t>(rate.hz) / 50;
    const std::size_t length = 10 * step;
    std::size_t best = samples.size();
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t begin = samples.size() / 5 * 3; begin + length <= samples.size();
         begin += step) {
        const double loudness = energy(samples.subspan(begin, length));
        if (loudness >= least) continue;
        least = loudness;
        best = begin + length / 2;
    }
    return best;
}

}  // namespace

std::vector<std::span<const float>> cut_windows(std::span<const float> samples, std::size_t most,
                                                SampleRate rate) {
    assert(most > 0);
    std::vector<std::span<const float>> windows;
    while (samples.size() > most) {
        const std::size_t cut = quietest(samples.first(most), rate);
        windows.push_back(samples.first(cut));
        samples = samples.subspan(cut);
    }
    if (!samples.empty()) windows.push_back(samples);
    return windows;
}

bool is_silent(std::span<const float> samples, SampleRate rate) {
    const auto length = static_cast<std::size_t>(rate.hz) / 50;
    while (!samples.empty()) {
        const std::span<const float> frame = samples.first(std::min(samples.size(), length));
        if (energy(frame) > kSilentRms * kSilentRms * static_cast<double>(length)) return false;
        samples = samples.subspan(frame.size());
    }
    return true;
}

}  // namespace titans::hearing::whisper
