#pragma once

#include <span>

#include "foundation/units.h"

namespace titans::hearing::vad {

inline constexpr SampleRate kRate{16'000};
/// Samples of a step: 32 ms.
inline constexpr std::size_t kStep = 512;

/// Says how likely it is that someone speaks, step by step through one recording or stream.
///
/// Not thread-safe: it holds the state of its stream. A step takes well under 1 ms and no memory.
class VoiceActivityDetector {
public:
    virtual ~VoiceActivityDetector() = default;

    /// The probability, 0 to 1, of speech in the stream's next `samples`, which are finite.
    virtual float step(std::span<const float, kStep> samples) = 0;

    /// What follows is another stream.
    virtual void reset() = 0;
};

}  // namespace titans::hearing::vad
