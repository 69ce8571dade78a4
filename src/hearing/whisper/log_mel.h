#pragma once

#include <span>
#include <vector>

#include "audio/mel_spectrogram.h"

namespace titans::hearing::whisper {

/// What Whisper's encoder is given of a window of `frames` hops, [frames, mels]: the logarithm of
/// the energies, at most 80 dB below the loudest (openai/whisper, audio.py). Behind `samples` is
/// silence.
std::vector<float> log_mel(const audio::MelSpectrogram& spectrogram, std::span<const float> samples,
                           int frames);

}  // namespace titans::hearing::whisper
