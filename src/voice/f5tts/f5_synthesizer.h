#pragma once

#include <map>
#include <memory>
#include <string>
#include <unordered_map>

#include "text/spoken_form.h"
#include "voice/f5tts/characters.h"
#include "voice/f5tts/f5_utterance.h"
#include "voice/f5tts/f5_voice.h"
#include "voice/f5tts/network.h"
#include "voice/f5tts/vocoder.h"
#include "voice/speech_synthesizer.h"

namespace titans::voice::f5tts {

/// F5-TTS: continues the recording with the new text (arXiv:2410.06885).
class F5Synthesizer final : public SpeechSynthesizer {
public:
    struct Parts {
        std::shared_ptr<const Network> network;
        std::shared_ptr<const Vocoder> vocoder;
        std::shared_ptr<const Characters> characters;
        bool on_gpu = false;
    };

    explicit F5Synthesizer(Parts parts);

    SampleRate output_rate() const override;
    SpeechOptions complete(SpeechOptions options) const override;
    Excerpt choose_excerpt(const audio::Audio& recording,
                           const SpeechOptions& options) const override;
    Result<std::shared_ptr<const LearnedVoice>> learn(const VoiceSample& sample,
                                                      const SpeechOptions& options,
                                                      const std::stop_token& stop) override;
    Result<std::shared_ptr<const LearnedVoice>> recall(
        std::span<const std::byte> bytes) const override;
    TextLength text_length(const LearnedVoice* learned,
                           const SpeechOptions& options) const override;
    Result<std::unique_ptr<Utterance>> begin(std::string_view text,
                                             std::shared_ptr<const LearnedVoice> voice,
                                             const SpeechOptions& options) override;

    /// The ids of what is in `text`; 0, the space, where the vocabulary lacks it. Errors: of
    /// Characters::tokens().
    Result<std::vector<std::int32_t>> ids(std::string_view text) const;

    /// How begin() will speak `text`; `options` are complete. Errors: of begin().
    Result<std::vector<Piece>> plan(std::string_view text, const F5Voice& voice,
                                    const SpeechOptions& options);

private:
    text::SpokenForm& spoken_form(const std::string& language);

    const Parts parts_;
    std::map<std::string, text::SpokenForm> spoken_forms_;  // by language; costly to make
    std::unordered_map<std::string, std::int32_t> ids_;
};

}  // namespace titans::voice::f5tts
