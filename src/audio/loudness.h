#pragma once

#include <stop_token>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::audio {

struct Loudness {
    /// EBU R128: gated, over the whole. kQuietest where nothing passes the gate, as in what is
    /// shorter than 0.4 s.
    double integrated_lufs = 0;
    /// The largest value between the samples too (four times oversampled or more), in dB below full
    /// scale; -120 at least.
    double true_peak_db = 0;

    static constexpr double kQuietest = -70;
    bool measurable() const { return integrated_lufs > kQuietest; }
};

/// Errors: Cancelled; Internal.
Result<Loudness> measure_loudness(const Audio& audio, std::stop_token stop);

}  // namespace titans::audio
