#pragma once

#include "engine/espeak/espeak_library.h"
#include "voice/speech_synthesizer.h"

namespace titans::voice::espeak {

/// The built-in voice: clear, in over a hundred languages, and nobody's. It learns nothing.
///
/// Thread-safe, as the library is.
class EspeakSynthesizer final : public SpeechSynthesizer {
public:
    /// `library` outlives it.
    explicit EspeakSynthesizer(engine::EspeakLibrary& library) : library_(library) {}

    SampleRate output_rate() const override { return library_.rate(); }
    SpeechOptions complete(SpeechOptions options) const override { return options; }
    Excerpt choose_excerpt(const audio::Audio& recording, const SpeechOptions&) const override {
        return {.audio = recording, .note = {}};
    }
    Result<std::shared_ptr<const LearnedVoice>> learn(const VoiceSample& sample,
                                                      const SpeechOptions& options,
                                                      const std::stop_token& stop) override;
    Result<std::shared_ptr<const LearnedVoice>> recall(
        std::span<const std::byte> bytes) const override;
    TextLength text_length(const LearnedVoice*, const SpeechOptions&) const override { return {}; }

    /// As promised, in one step; the speech begins and ends with a few hundredths of a second of
    /// silence.
    Result<std::unique_ptr<Utterance>> begin(std::string_view text,
                                             std::shared_ptr<const LearnedVoice> voice,
                                             const SpeechOptions& options) override;

private:
    engine::EspeakLibrary& library_;
};

}  // namespace titans::voice::espeak
