#pragma once

#include <span>
#include <vector>

namespace titans::hearing::ctc {

/// Brings a recording to mean 0 and variance 1, as models are trained (transformers,
/// feature_extraction_wav2vec2.py, zero_mean_unit_var_norm()).
class Normalization {
public:
    /// Measures `samples`: at least one.
    explicit Normalization(std::span<const float> samples);

    /// A part of the recording, normalised.
    std::vector<float> of(std::span<const float> part) const;

private:
    double mean_ = 0;
    double scale_ = 1;
};

}  // namespace titans::hearing::ctc
