#pragma once

#include "hearing/vad/voice_activity_detector.h"

namespace titans::hearing::vad {

/// Takes for speech whatever is clearly louder than the quietest of late: for want of Silero's
/// weights. Knows speech from silence and steady noise, not from music or other loud sounds.
class EnergyDetector final : public VoiceActivityDetector {
public:
    /// 0.5 at 10 dB above the noise, but never below -45 dB of full scale.
    float step(std::span<const float, kStep> samples) override;
    void reset() override { noise_db_ = kQuietest; }

private:
    static constexpr float kQuietest = -55;

    float noise_db_ = kQuietest;  // falls at once, rises slowly
};

}  // namespace titans::hearing::vad
