#include "voice/f5tts/f5_utterance.h"

#include <algorithm>
#include <cmath>

#include "voice/f5tts/mel.h"

namespace titans::voice::f5tts {
namespace {

// What is softer than this against the loudest of a text is silence, of which its ends keep a
// little.
constexpr float kSilence = 0.01F;  // -40 dB
constexpr double kLeadSeconds = 0.03;
constexpr double kTailSeconds = 0.08;
constexpr double kFadeSeconds = 0.01;

std::size_t samples_of(double seconds) { return static_cast<std::size_t>(seconds * kRate.hz); }

/// Without the silence at its ends, and from and to nothing, so that it can stand beside anything.
std::vector<float> with_clean_ends(std::vector<float> wave) {
    float peak = 0;
    for (const float sample : wave) peak = std::max(peak, std::abs(sample));
    const auto audible = [level = peak * kSilence](float s) { return std::abs(s) > level; };
    const auto first = std::ranges::find_if(wave, audible) - wave.begin();
    const auto last = wave.rend() - std::find_if(wave.rbegin(), wave.rend(), audible);
    if (first >= last) return wave;
    const auto begin =
        std::max<std::ptrdiff_t>(0, first - static_cast<std::ptrdiff_t>(samples_of(kLeadSeconds)));
    const auto end = std::min<std::ptrdiff_t>(
        std::ssize(wave), last + static_cast<std::ptrdiff_t>(samples_of(kTailSeconds)));
    std::vector<float> kept(wave.begin() + begin, wave.begin() + end);
    const std::size_t fade = std::min(samples_of(kFadeSeconds), kept.size() / 2);
    for (std::size_t i = 0; i < fade; ++i) {
        const float gain = static_cast<float>(i) / static_cast<float>(fade);
        kept[i] *= gain;
        kept[kept.size() - 1 - i] *= gain;
    }
    return kept;
}

}  // namespace

F5Utterance::F5Utterance(Parts parts) : parts_(std::move(parts)), noise_(*parts_.options.seed) {}

std::optional<Result<audio::Audio>> F5Utterance::step(const std::stop_token& stop) {
    const Result<bool> more = advance(stop);
    if (!more) return std::unexpected(more.error());
    if (*more) return std::nullopt;
    return finish();
}

Result<std::unique_ptr<Sampling>> F5Utterance::begin_piece(const Piece& piece) {
    const SpeechOptions& options = parts_.options;
    const auto mel = parts_.voice->mel();
    return Sampling::begin(parts_.network,
                           {.text = piece.ids,
                            .reference = {mel.begin(), mel.end()},
                            .frames = piece.frames,
                            .times = sampling_times(*options.nfe_step, options.sway_sampling_coef),
                            .cfg_strength = options.cfg_strength,
                            .noise = noise_.draw(static_cast<std::size_t>(piece.frames) * kMels)});
}

Result<bool> F5Utterance::advance(const std::stop_token& stop) {
    if (sampling_ == nullptr) {
        TITANS_TRY(sampling_, begin_piece(parts_.pieces[waves_.size()]));
        return true;
    }
    TITANS_TRY(const bool more, sampling_->step(stop));
    if (more) return true;
    // The spectrogram has a frame more than the recording has hops: the reference keeps that one.
    const std::vector<float> mel = sampling_->mel();
    sampling_.reset();
    const std::size_t recording = parts_.voice->samples() / kHop * kMels;
    TITANS_TRY(std::vector<float> wave,
               parts_.vocoder->decode(std::span(mel).subspan(recording), stop));
    for (float& sample : wave) sample *= parts_.voice->gain();
    waves_.push_back(std::move(wave));
    return waves_.size() < parts_.pieces.size();
}

audio::Audio F5Utterance::finish() {
    std::vector<float> wave = cross_fade(waves_, parts_.options.cross_fade_duration);
    if (!parts_.options.reference_mode) wave = with_clean_ends(std::move(wave));
    return {kRate, std::move(wave)};
}

}  // namespace titans::voice::f5tts
