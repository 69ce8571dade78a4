#pragma once

#include <span>

#include "audio/audio.h"

namespace titans::audio {

/// The `parts` one after the other. There is at least one, and all have the same rate.
Audio join(std::span<const Audio> parts);

/// `audio` behind that much silence.
Audio after_silence(const Audio& audio, Milliseconds silence);

}  // namespace titans::audio
