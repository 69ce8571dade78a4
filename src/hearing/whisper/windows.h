#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "foundation/units.h"

namespace titans::hearing::whisper {

/// `samples` in consecutive parts of at most `most` samples, cut where it is quietest near the end
/// of each.
std::vector<std::span<const float>> cut_windows(std::span<const float> samples, std::size_t most,
                                                SampleRate rate);

/// Whether nothing in `samples` is louder than -60 dB for as long as 20 ms.
bool is_silent(std::span<const float> samples, SampleRate rate);

}  // namespace titans::hearing::whisper
