#pragma once

#include <vector>

#include "foundation/units.h"

namespace titans::audio {

/// Triangles of equal area on Slaney's mel scale (Auditory Toolbox, 1998: linear below 1 kHz,
/// logarithmic above), from 0 Hz to half the rate: what Whisper's spectrogram is weighed with.
/// [mels, fft_size / 2 + 1]
std::vector<float> slaney_mel_filters(int mels, int fft_size, SampleRate rate);

}  // namespace titans::audio
