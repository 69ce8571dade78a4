#pragma once

#include <span>
#include <vector>

#include "audio/fourier.h"
#include "audio/mel_filters.h"
#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::audio {

struct MelOptions {
    int fft_size = 400;
    int hop = 160;
    int mels = 80;
    SampleRate rate{16'000};
    MelScale scale = MelScale::Slaney;
    enum class Of : std::uint8_t { Energy, Magnitude } of = Of::Energy;
};

/// How loud a recording is in bands of the mel scale, frame by frame: Hann windows of the
/// transform's size, centred on every hop, weighed with mel_filters(). Not thread-safe.
class MelSpectrogram {
public:
    /// Errors: Internal.
    static Result<MelSpectrogram> make(const MelOptions& options);

    const MelOptions& options() const { return options_; }

    /// The energy or magnitude of the first `frames` frames, [frames, mels]. Before the first of
    /// `samples` are its neighbours mirrored, behind the last is silence.
    std::vector<float> bands(std::span<const float> samples, int frames) const;

private:
    /// The bins that one filter weighs.
    struct Filter {
        int first = 0;
        std::vector<float> weights;
    };

    MelSpectrogram(const MelOptions& options, RealFourier fourier);

    MelOptions options_;
    RealFourier fourier_;
    std::vector<float> window_;
    std::vector<Filter> filters_;
};

}  // namespace titans::audio
