#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "voice/f5tts/f5_voice.h"
#include "voice/f5tts/network.h"
#include "voice/f5tts/sampling.h"
#include "voice/f5tts/sampling_schedule.h"
#include "voice/f5tts/vocoder.h"
#include "voice/speech_synthesizer.h"

namespace titans::voice::f5tts {

/// A part of a text that is sampled at once.
struct Piece {
    std::string text;
    std::vector<std::int32_t> ids;  // of the recording's words and the piece's
    int frames = 0;                 // of the recording and the piece
};

/// Samples the pieces of a text one after the other, and joins what they sound like.
class F5Utterance final : public Utterance {
public:
    struct Parts {
        std::shared_ptr<const Network> network;
        std::shared_ptr<const Vocoder> vocoder;
        std::shared_ptr<const F5Voice> voice;
        std::vector<Piece> pieces;  // at least one
        SpeechOptions options;      // complete
    };

    explicit F5Utterance(Parts parts);

    std::optional<Result<audio::Audio>> step(const std::stop_token& stop) override;

private:
    Result<std::unique_ptr<Sampling>> begin_piece(const Piece& piece);
    /// True as long as there is more to do.
    Result<bool> advance(const std::stop_token& stop);
    audio::Audio finish();

    const Parts parts_;
    Noise noise_;
    std::unique_ptr<Sampling> sampling_;
    std::vector<std::vector<float>> waves_;  // of the pieces that are done
};

}  // namespace titans::voice::f5tts
