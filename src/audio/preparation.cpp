#include "audio/preparation.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cmath>

#include "audio/filter_graph.h"
#include "audio/frame_energy.h"
#include "audio/limiter.h"
#include "audio/loudness.h"
#include "audio/silence.h"

namespace titans::audio {
namespace {

constexpr std::chrono::seconds kLongest{600};
constexpr double kSilentEnergy = 1e-8;  // -80 dB: no microphone is as quiet as that

double amplitude(double db) { return std::pow(10, db / 20); }

Audio scaled(const Audio& audio, double db) {
    std::vector<float> samples(audio.samples().begin(), audio.samples().end());
    const auto factor = static_cast<float>(amplitude(db));
    for (float& sample : samples) sample *= factor;
    return {audio.rate(), std::move(samples)};
}

Result<void> check(const Audio& audio) {
    if (audio.samples().empty()) return fail(ErrorKind::NothingHeard, "the recording is empty");
    if (audio.duration() > kLongest) {
        return fail(ErrorKind::TooLarge,
                    std::format("the recording is longer than {} seconds", kLongest.count()));
    }
    if (!std::ranges::all_of(audio.samples(), [](float sample) { return std::isfinite(sample); }))
        return fail(ErrorKind::InvalidInput, "the recording holds a sample that is not a number");
    const auto frame = static_cast<std::size_t>(audio.rate().hz / 50);
    if (std::ranges::max(frame_energies(audio.samples(), frame, frame)) < kSilentEnergy)
        return fail(ErrorKind::NothingHeard, "the recording is silent");
    return {};
}

/// Takes out what lies below every voice, then noise that is as strong as that of the quietest
/// tenth of the recording.
Result<Audio> clean(const Audio& audio, std::stop_token stop) {
    constexpr double kRumbleHz = 60;
    // Where speech is strongest: noise counts there, and every recording reaches that far up.
    constexpr double kLowHz = 200;
    constexpr double kHighHz = 3500;
    // A second-order Butterworth flank passes as much noise as a steep one 11 % further out.
    constexpr double kBandHz = 1.11 * (kHighHz - kLowHz);
    constexpr double kReductionDb = 12;  // more of it makes speech harder to understand
    // The quietest tenth is quieter than the noise is on average.
    constexpr double kUnderestimatedDb = 3;

    const std::array band{Filter{"highpass", {{"f", std::to_string(kLowHz)}}},
                          Filter{"lowpass", {{"f", std::to_string(kHighHz)}}}};
    TITANS_TRY(const Audio speech_band, filter(audio, band, stop));
    const double density_db =
        energy_db(estimate_energy(speech_band).noise * audio.rate().hz / 2 / kBandHz);
    const double floor_db = std::clamp(density_db + kUnderestimatedDb, -80.0, -20.0);
    const std::array chain{
        Filter{"highpass", {{"f", std::to_string(kRumbleHz)}}},
        Filter{"afftdn", {{"nr", std::to_string(kReductionDb)}, {"nf", std::to_string(floor_db)}}}};
    return filter(audio, chain, std::move(stop));
}

Result<Audio> boost(const Audio& audio, bool bass, bool treble, std::stop_token stop) {
    constexpr double kBoostDb = 4;
    constexpr double kBassHz = 200;  // the middle of the flank: half of the decibels
    constexpr double kTrebleHz = 4000;
    std::vector<Filter> chain;
    if (bass) {
        chain.push_back(
            {"bass", {{"g", std::to_string(kBoostDb)}, {"f", std::to_string(kBassHz)}}});
    }
    if (treble) {
        // A flank needs room below half the rate.
        const double hz = std::min(kTrebleHz, 0.4 * audio.rate().hz);
        chain.push_back({"treble", {{"g", std::to_string(kBoostDb)}, {"f", std::to_string(hz)}}});
    }
    return filter(audio, chain, std::move(stop));
}

/// Presses what is louder than the recording on the whole towards that loudness.
Result<Audio> compress(const Audio& audio, double loudness_lufs, std::stop_token stop) {
    const double threshold = std::clamp(amplitude(loudness_lufs), 0.001, 1.0);
    const std::array chain{Filter{"acompressor",
                                  {{"threshold", std::to_string(threshold)},
                                   {"ratio", "3"},
                                   {"attack", "5"},
                                   {"release", "100"},
                                   {"makeup", "1"}}}};
    return filter(audio, chain, std::move(stop));
}

/// `audio` at kPreparedLufs if it is to be enhanced; else, compressed, as loud as it was.
Result<Audio> level(const Audio& audio, bool compression, bool enhance, std::stop_token stop) {
    TITANS_TRY(const Loudness before, measure_loudness(audio, stop));
    if (!before.measurable()) return audio;
    const double wanted = enhance ? kPreparedLufs : before.integrated_lufs;
    if (!compression) return scaled(audio, wanted - before.integrated_lufs);
    TITANS_TRY(const Audio compressed, compress(audio, before.integrated_lufs, stop));
    TITANS_TRY(const Loudness after, measure_loudness(compressed, std::move(stop)));
    return scaled(compressed, wanted - after.integrated_lufs);
}

Result<Audio> limit(const Audio& audio, std::stop_token stop) {
    TITANS_TRY(const Loudness before, measure_loudness(audio, stop));
    if (before.true_peak_db <= kPreparedPeakDb) return audio;
    std::vector<float> samples(audio.samples().begin(), audio.samples().end());
    limit_peaks(samples, audio.rate(), static_cast<float>(amplitude(kPreparedPeakDb)));
    const Audio limited(audio.rate(), std::move(samples));
    // The waveform between the samples may still exceed the limit.
    TITANS_TRY(const Loudness after, measure_loudness(limited, std::move(stop)));
    return scaled(limited, std::min(0.0, kPreparedPeakDb - after.true_peak_db));
}

Result<Audio> fade(const Audio& audio, int fade_ms, std::stop_token stop) {
    const std::size_t size = audio.samples().size();
    const auto wanted =
        static_cast<std::size_t>(fade_ms) * static_cast<std::size_t>(audio.rate().hz) / 1000;
    const std::size_t length = std::min(wanted, size / 2);
    if (length == 0) return audio;
    const std::string samples = std::to_string(length);
    const std::array chain{Filter{"afade", {{"type", "in"}, {"ns", samples}, {"curve", "hsin"}}},
                           Filter{"afade",
                                  {{"type", "out"},
                                   {"ss", std::to_string(size - length)},
                                   {"ns", samples},
                                   {"curve", "hsin"}}}};
    return filter(audio, chain, std::move(stop));
}

}  // namespace

Preparation standard_preparation() {
    return {.clean = true,
            .remove_silence = true,
            .top_db = 40,
            .bass_boost = true,
            .treble_boost = true,
            .compression = true,
            .enhance = true,
            .fade_ms = 50};
}

Result<Audio> prepare(const Audio& audio, const Preparation& preparation, std::stop_token stop) {
    assert(audio.rate().hz >= 8000 && audio.rate().hz <= 192'000);
    TITANS_TRY_VOID(check(audio));
    Audio prepared = audio;
    if (preparation.clean) {
        TITANS_TRY(prepared, clean(prepared, stop));
    }
    if (preparation.remove_silence) prepared = shorten_silences(prepared, preparation.top_db);
    if (preparation.bass_boost || preparation.treble_boost) {
        TITANS_TRY(prepared,
                   boost(prepared, preparation.bass_boost, preparation.treble_boost, stop));
    }
    if (preparation.compression || preparation.enhance) {
        TITANS_TRY(prepared, level(prepared, preparation.compression, preparation.enhance, stop));
    }
    const bool filtered = preparation.clean || preparation.bass_boost || preparation.treble_boost ||
                          preparation.compression || preparation.enhance;
    if (filtered) {
        TITANS_TRY(prepared, limit(prepared, stop));
    }
    return fade(prepared, preparation.fade_ms, std::move(stop));
}

}  // namespace titans::audio
