#pragma once

#include <span>
#include <utility>
#include <vector>

#include "foundation/units.h"

namespace titans::audio {

/// Mono PCM in [-1, 1]. The rate travels with the samples: nothing takes one without the other.
class Audio {
public:
    Audio(SampleRate rate, std::vector<float> samples)
        : rate_(rate), samples_(std::move(samples)) {}

    SampleRate rate() const { return rate_; }
    std::span<const float> samples() const& { return samples_; }
    std::span<const float> samples() const&& = delete;  // no view into a temporary
    std::chrono::duration<double> duration() const {
        return std::chrono::duration<double>(static_cast<double>(samples_.size()) / rate_.hz);
    }

private:
    SampleRate rate_;
    std::vector<float> samples_;
};

}  // namespace titans::audio
