#pragma once

#include <cstdint>
#include <vector>

#include "foundation/units.h"

namespace titans::audio {

/// The mel scales that networks are trained with, and how high their filters are.
enum class MelScale : std::uint8_t {
    /// Slaney's (Auditory Toolbox, 1998: linear below 1 kHz, logarithmic above), triangles of equal
    /// area: Whisper's.
    Slaney,
    /// HTK's, 2595 log10(1 + hz / 700), triangles of height 1: torchaudio's usual one.
    Htk,
};

/// Triangles from 0 Hz to half the rate. [mels, fft_size / 2 + 1]
std::vector<float> mel_filters(MelScale scale, int mels, int fft_size, SampleRate rate);

}  // namespace titans::audio
