#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"

extern "C" {
#include <libavutil/channel_layout.h>
#include <libavutil/samplefmt.h>
}

struct SwrContext;

namespace titans::audio {

struct SwrDeleter {
    void operator()(SwrContext* context) const noexcept;
};
using SwrHandle = std::unique_ptr<SwrContext, SwrDeleter>;

/// Turns PCM of one format into mono floats of another rate, piece by piece.
class MonoResampler {
public:
    /// `layout` has between one and eight channels, in FFmpeg's native order; they are mixed so
    /// that the sum cannot exceed 1. Errors: Internal.
    static Result<MonoResampler> open(const AVChannelLayout& layout, AVSampleFormat format,
                                      SampleRate from, SampleRate to);

    /// Converts `frames` samples of each channel (`planes` as in AVFrame) and appends what is ready
    /// to `output`.
    Result<void> push(const std::uint8_t* const* planes, int frames, std::vector<float>& output);

    /// Appends the rest, so that in all `output` grew by exactly the input's duration.
    Result<void> finish(std::vector<float>& output);

private:
    MonoResampler(SwrHandle context, SampleRate from, SampleRate to)
        : context_(std::move(context)), from_(from), to_(to) {}

    SwrHandle context_;
    SampleRate from_;
    SampleRate to_;
    std::int64_t taken_ = 0;  // samples of one channel
    std::int64_t given_ = 0;
};

}  // namespace titans::audio
