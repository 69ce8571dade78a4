#pragma once

#include "audio/audio.h"

namespace titans::audio {

/// `audio` at `rate`, its duration kept to the sample. What the new rate cannot hold is filtered
/// out; nothing is delayed. Both rates are between 1 kHz and 768 kHz.
Audio resample(const Audio& audio, SampleRate rate);

}  // namespace titans::audio
