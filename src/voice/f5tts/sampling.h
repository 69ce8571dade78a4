#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "foundation/error.h"
#include "voice/f5tts/network.h"

namespace titans::voice::f5tts {

/// A mel spectrogram on its way from noise to speech: Euler's method along the flow, with
/// classifier-free guidance (f5_tts/model/cfm.py, sample()).
class Sampling {
public:
    struct Request {
        std::vector<std::int32_t> text;  // ids of the vocabulary: the recording's words, then the
                                         // new ones
        std::vector<float> reference;    // [reference frames, mel_dim]: log mel of the recording
        int frames = 0;                  // of recording and speech together
        std::vector<float> times;        // from 0 to 1, one more than there are steps
        float cfg_strength = 2;          // below 1e-5: none
        std::vector<float> noise;        // [frames, mel_dim]
    };

    /// Errors: InvalidInput if `frames` is not above those of the reference, or above 8192;
    /// Internal.
    static Result<std::unique_ptr<Sampling>> begin(std::shared_ptr<const Network> network,
                                                   Request request);
    ~Sampling();

    /// Does one bounded step, a block or so of the network. False: it is done. Errors: Cancelled;
    /// Internal.
    Result<bool> step(const std::stop_token& stop);

    /// Whether what is the same in all steps was computed: what follows are the steps themselves.
    bool is_under_way() const;

    /// Once it is done: [frames, mel_dim], of which the first are those of the reference.
    std::vector<float> mel() const;

    /// What the noise is by now, [frames, mel_dim]: with its own idea of the recording.
    std::span<const float> state() const;

private:
    struct State;
    explicit Sampling(std::unique_ptr<State> state);
    std::unique_ptr<State> state_;
};

}  // namespace titans::voice::f5tts
