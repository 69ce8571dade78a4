#include "hearing/ctc/normalization.h"

#include <cassert>
#include <cmath>

namespace titans::hearing::ctc {

Normalization::Normalization(std::span<const float> samples) {
    assert(!samples.empty());
    const auto count = static_cast<double>(samples.size());
    double sum = 0;
    for (const float sample : samples) sum += sample;
    mean_ = sum / count;
    double squares = 0;
    for (const float sample : samples) squares += (sample - mean_) * (sample - mean_);
    scale_ = 1 / std::sqrt(squares / count + 1e-7);
}

std::vector<float> Normalization::of(std::span<const float> part) const {
    std::vector<float> values;
    values.reserve(part.size());
    for (const float sample : part) values.push_back(static_cast<float>((sample - mean_) * scale_));
    return values;
}

}  // namespace titans::hearing::ctc
