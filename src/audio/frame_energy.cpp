#include "audio/frame_energy.h"

#include <algorithm>
#include <cmath>

namespace titans::audio {

std::vector<double> frame_energies(std::span<const float> samples, std::size_t size,
                                   std::size_t hop) {
    std::vector<double> energies;
    energies.reserve(1 + samples.size() / hop);
    for (std::size_t centre = 0; centre <= samples.size(); centre += hop) {
        const std::size_t begin = centre - std::min(centre, size / 2);
        const std::size_t end = std::min(samples.size(), centre + size - size / 2);
        double sum = 0;
        for (const float sample : samples.subspan(begin, end - begin))
            sum += static_cast<double>(sample) * sample;
        energies.push_back(sum / static_cast<double>(size));
    }
    return energies;
}

double energy_db(double energy) { return 10 * std::log10(std::max(energy, 1e-10)); }

EnergyEstimate estimate_energy(const Audio& audio) {
    constexpr double kDigitalSilence = 1e-9;  // -90 dB: less than the noise of 16 bits, dithered
    constexpr double kAboveNoise = 4;         // 6 dB
    constexpr double kBelowLoudest = 1e-4;    // 40 dB
    const auto rate = static_cast<std::size_t>(audio.rate().hz);
    const std::size_t hop = rate / 100;
    const std::vector<double> energies = frame_energies(audio.samples(), 2 * hop, hop);

    std::vector<double> heard;
    std::ranges::copy_if(energies, std::back_inserter(heard),
                         [](double energy) { return energy > kDigitalSilence; });
    if (heard.empty()) return {};
    std::ranges::sort(heard);
    const std::size_t quietest = std::max<std::size_t>(1, heard.size() / 10);
    const auto mean = [](auto begin, auto end) {
        double sum = 0;
        for (auto it = begin; it != end; ++it) sum += *it;
        return sum / static_cast<double>(end - begin);
    };
    EnergyEstimate estimate;
    estimate.noise = mean(heard.begin(), heard.begin() + static_cast<std::ptrdiff_t>(quietest));
    const double least = std::max(kAboveNoise * estimate.noise, kBelowLoudest * heard.back());
    const auto first = std::ranges::upper_bound(heard, least);
    if (first == heard.end()) return estimate;
    estimate.speech = mean(first, heard.end());
    estimate.speech_seconds = static_cast<double>(heard.end() - first) * static_cast<double>(hop) /
                              static_cast<double>(rate);
    return estimate;
}

}  // namespace titans::audio
