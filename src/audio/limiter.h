#pragma once

#include <span>

#include "foundation/units.h"

namespace titans::audio {

/// Turns `samples` down where they would exceed `ceiling`, beginning 5 ms before a peak and ending
/// 5 ms behind it, so that none does. What needs no limiting is left as it is, bit by bit. The
/// samples are numbers; `ceiling` is above 0.
void limit_peaks(std::span<float> samples, SampleRate rate, float ceiling);

}  // namespace titans::audio
