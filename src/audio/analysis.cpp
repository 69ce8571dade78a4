#include "audio/analysis.h"

#include <algorithm>
#include <cmath>

#include "audio/frame_energy.h"
#include "audio/loudness.h"

namespace titans::audio {
namespace {

constexpr double kMostSnrDb = 80;

/// A waveform seldom stays at full scale for three samples unless it was cut off there.
double clipped_share(std::span<const float> samples) {
    constexpr float kFullScale = 0.999F;
    constexpr std::size_t kRow = 3;
    std::size_t clipped = 0;
    std::size_t row = 0;
    for (const float sample : samples) {
        row = std::abs(sample) >= kFullScale ? row + 1 : 0;
        if (row == kRow) clipped += kRow;
        if (row > kRow) ++clipped;
    }
    return samples.empty() ? 0 : static_cast<double>(clipped) / static_cast<double>(samples.size());
}

}  // namespace

Result<SampleReport> analyze(const Audio& audio, std::stop_token stop) {
    TITANS_TRY(const Loudness loudness, measure_loudness(audio, std::move(stop)));
    const EnergyEstimate energy = estimate_energy(audio);
    SampleReport report{.seconds = audio.duration().count(),
                        .speech_seconds = energy.speech_seconds,
                        .loudness_lufs = loudness.integrated_lufs,
                        .clipped_share = clipped_share(audio.samples())};
    const double signal = energy.speech - energy.noise;
    if (signal > 0) {
        report.snr_db = std::clamp(10 * std::log10(signal / energy.noise), 0.0, kMostSnrDb);
    }
    for (const float sample : audio.samples())
        report.peak = std::max<double>(report.peak, std::abs(sample));
    return report;
}

std::vector<std::string> warnings(const SampleReport& report) {
    constexpr double kLeastSpeechSeconds = 3;
    constexpr double kMostSeconds = 30;
    constexpr double kLeastSnrDb = 15;
    constexpr double kMostClipped = 0.0005;
    constexpr double kLeastLufs = -40;
    std::vector<std::string> sentences;
    if (report.speech_seconds < kLeastSpeechSeconds) {
        sentences.push_back(std::format(
            "The sample holds only {:.1f} s of speech: a voice needs at least {:.0f} s.",
            report.speech_seconds, kLeastSpeechSeconds));
    }
    if (report.seconds > kMostSeconds) {
        sentences.push_back(
            std::format("The sample is {:.0f} s long: {:.0f} s of clear speech are enough.",
                        report.seconds, kMostSeconds));
    }
    if (report.speech_seconds > 0 && report.snr_db < kLeastSnrDb) {
        sentences.push_back(std::format(
            "The sample is noisy: speech is only {:.0f} dB above the noise. Record it in a quieter "
            "place, or set clean_audio.",
            report.snr_db));
    }
    if (report.clipped_share > kMostClipped) {
        sentences.push_back(
            std::format("The sample is clipped: {:.2f} % of it is cut off at full scale. Record it "
                        "at a lower level.",
                        100 * report.clipped_share));
    }
    if (report.loudness_lufs > Loudness::kQuietest && report.loudness_lufs < kLeastLufs) {
        sentences.push_back(std::format(
            "The sample is very quiet ({:.0f} LUFS). Record it closer to the microphone, or set "
            "enhance_audio.",
            report.loudness_lufs));
    }
    return sentences;
}

}  // namespace titans::audio
