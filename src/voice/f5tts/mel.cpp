#include "voice/f5tts/mel.h"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "audio/mel_spectrogram.h"

namespace titans::voice::f5tts {
namespace {

constexpr int kWindow = 1024;
constexpr float kFloor = 1e-5F;

}  // namespace

Result<std::vector<float>> log_mel(std::span<const float> samples) {
    constexpr std::size_t kHalf = kWindow / 2;
    assert(samples.size() > kHalf);
    TITANS_TRY(const auto spectrogram,
               audio::MelSpectrogram::make({.fft_size = kWindow,
                                            .hop = kHop,
                                            .mels = kMels,
                                            .rate = kRate,
                                            .scale = audio::MelScale::Htk,
                                            .of = audio::MelOptions::Of::Magnitude}));
    std::vector<float> mirrored(samples.begin(), samples.end());
    const auto before_last = samples.last(kHalf + 1).first(kHalf);
    mirrored.insert(mirrored.end(), before_last.rbegin(), before_last.rend());
    const int frames = 1 + static_cast<int>(samples.size() / kHop);
    std::vector<float> mel = spectrogram.bands(mirrored, frames);
    for (float& value : mel) value = std::log(std::max(value, kFloor));
    return mel;
}

}  // namespace titans::voice::f5tts
