#include "audio/silence.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "audio/frame_energy.h"

namespace titans::audio {
namespace {

constexpr Milliseconds kCrossfade{10};

std::size_t samples_of(Milliseconds time, SampleRate rate) {
    return static_cast<std::size_t>(std::lround(time.count() * rate.hz / 1000));
}

/// `samples` behind `joined`, the last `overlap` of the one and the first of the other faded into
/// each other. What is silence on both sides is noise, unlike on both: powers add up.
void append_faded(std::vector<float>& joined, std::span<const float> samples, std::size_t overlap) {
    const std::size_t start = joined.size() - overlap;
    for (std::size_t i = 0; i < overlap; ++i) {
        const double angle =
            std::numbers::pi / 2 * (static_cast<double>(i) + 0.5) / static_cast<double>(overlap);
        joined[start + i] = joined[start + i] * static_cast<float>(std::cos(angle)) +
                            samples[i] * static_cast<float>(std::sin(angle));
    }
    const auto rest = samples.subspan(overlap);
    joined.insert(joined.end(), rest.begin(), rest.end());
}

}  // namespace

std::vector<Stretch> find_sound(const Audio& audio, float top_db) {
    constexpr double kHopSeconds = 512.0 / 22'050;
    const std::size_t size = audio.samples().size();
    const auto hop = static_cast<std::size_t>(std::lround(kHopSeconds * audio.rate().hz));
    const std::vector<double> energies = frame_energies(audio.samples(), 4 * hop, hop);
    const double least = energy_db(std::ranges::max(energies)) - top_db;
    std::vector<Stretch> stretches;
    for (std::size_t i = 0; i < energies.size(); ++i) {
        if (energy_db(energies[i]) <= least) continue;
        const std::size_t begin = std::min(i * hop, size);
        const std::size_t end = std::min(begin + hop, size);
        if (begin == end) continue;
        if (!stretches.empty() && stretches.back().end == begin) {
            stretches.back().end = end;
        } else {
            stretches.push_back({begin, end});
        }
    }
    return stretches;
}

Audio shorten_silences(const Audio& audio, float top_db) {
    const std::size_t overlap = samples_of(kCrossfade, audio.rate());
    // Half a crossfade more: the pause that results is as long as documented.
    const std::size_t kept = samples_of(kSilenceKept, audio.rate()) + overlap / 2;
    const std::span<const float> samples = audio.samples();
    std::vector<Stretch> pieces;
    for (const Stretch& sound : find_sound(audio, top_db)) {
        const Stretch piece{sound.begin - std::min(sound.begin, kept),
                            std::min(sound.end + kept, samples.size())};
        if (!pieces.empty() && piece.begin <= pieces.back().end) {
            pieces.back().end = piece.end;
        } else {
            pieces.push_back(piece);
        }
    }
    std::vector<float> joined;
    for (const Stretch& piece : pieces) {
        append_faded(joined, samples.subspan(piece.begin, piece.end - piece.begin),
                     joined.empty() ? 0 : overlap);
    }
    return {audio.rate(), std::move(joined)};
}

}  // namespace titans::audio
