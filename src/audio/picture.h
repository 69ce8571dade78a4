#pragma once

#include <cstddef>
#include <stop_token>
#include <vector>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::audio {

/// A PNG of two spectrograms, `before` above `after`: time to the right in seconds, frequency
/// upwards in Hz, the same colours for the same level. Neither is empty. Errors:
/// Cancelled; Internal.
Result<std::vector<std::byte>> draw_spectrograms(const Audio& before, const Audio& after,
                                                 std::stop_token stop);

}  // namespace titans::audio
