#pragma once

#include <span>

#include "audio/audio.h"

namespace titans::audio {

/// The `sentences` one after the other with `pause` of silence between them. There is at least one,
/// and all have the same rate.
Audio join(std::span<const Audio> sentences, Milliseconds pause);

}  // namespace titans::audio
