#include "hearing/vad/energy_detector.h"

#include <algorithm>
#include <cmath>

namespace titans::hearing::vad {
namespace {

constexpr float kMargin = 10;                     // dB of speech above noise, at least
constexpr float kSlope = 2;                       // dB that make 0.5 into 0.73
constexpr float kRise = 8.0F * kStep / kRate.hz;  // dB a step: between words speech is quiet sooner
constexpr float kSilence = 1e-12F;                // a power: -120 dB

}  // namespace

float EnergyDetector::step(std::span<const float, kStep> samples) {
    float sum = 0;
    for (const float sample : samples) sum += sample * sample;
    const float level_db = 10 * std::log10((sum / kStep) + kSilence);
    const float above = level_db - noise_db_ - kMargin;
    noise_db_ = std::max(std::min(level_db, noise_db_ + kRise), kQuietest);
    return 1 / (1 + std::exp(-above / kSlope));
}

}  // namespace titans::hearing::vad
