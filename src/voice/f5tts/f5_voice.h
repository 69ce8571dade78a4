#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "foundation/error.h"
#include "voice/f5tts/text_pieces.h"
#include "voice/speech_synthesizer.h"

namespace titans::voice::f5tts {

/// What F5-TTS continues when it speaks: the recording's spectrogram and words.
class F5Voice final : public LearnedVoice {
public:
    /// Errors: InvalidInput if the recording is shorter than 50 ms, silent, or without words;
    /// Internal.
    static Result<std::shared_ptr<const F5Voice>> learn(const VoiceSample& sample,
                                                        float target_rms);
    /// Errors: InvalidInput.
    static Result<std::shared_ptr<const F5Voice>> read(std::span<const std::byte> bytes);

    std::vector<std::byte> bytes() const override;
    std::string note() const override { return note_; }

    /// The words, ending in a full stop and a space.
    const std::string& text() const { return text_; }
    std::size_t samples() const { return samples_; }  // at kRate
    double seconds() const { return seconds_; }       // as it was recorded
    /// [1 + samples / 256, 100]
    std::span<const float> mel() const { return mel_; }
    /// What speech is multiplied with to be as loud as the recording.
    float gain() const { return gain_; }

private:
    F5Voice() = default;

    std::string text_;
    std::string note_;
    std::size_t samples_ = 0;
    double seconds_ = 0;
    float gain_ = 1;
    std::vector<float> mel_;
};

}  // namespace titans::voice::f5tts
