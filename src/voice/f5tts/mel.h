#pragma once

#include <span>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::voice::f5tts {

constexpr SampleRate kRate{24'000};
constexpr int kHop = 256;
constexpr int kMels = 100;

/// The spectrogram that the network continues: natural logarithms of the magnitudes in 100 bands of
/// HTK's mel scale, windows of 1024 samples centred on every 256th, the recording mirrored at both
/// ends (f5_tts/model/modules.py, get_vocos_mel_spectrogram()). samples: of kRate, more than 512.
/// Returns [1 + samples / 256, 100]. Errors: Internal.
Result<std::vector<float>> log_mel(std::span<const float> samples);

}  // namespace titans::voice::f5tts
