#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/ggml/gguf_file.h"
#include "foundation/error.h"

namespace titans::hearing::ctc {

/// The shape of a Wav2Vec2ForCTC (arXiv:2006.11477) or HubertForCTC (arXiv:2106.07447): Hugging
/// Face's config.json and preprocessor_config.json, as a converted model file has them.
struct CtcConfig {
    struct Convolution {
        int width = 0;
        int kernel = 1;
        int stride = 1;
    };

    std::vector<Convolution> convolutions;  // of the samples, one behind the other
    bool conv_bias = false;
    bool normalizes_each_conv = false;  // over its channels; else the first one over time
    bool normalizes_features = true;    // before the projection
    int width = 0;
    int layers = 0;
    int heads = 0;
    int feed_forward = 0;
    float norm_epsilon = 1e-5F;
    int position_kernel = 0;
    int position_groups = 0;
    bool normalizes_first = false;  // in a block before what it adds ("stable"), else after
    bool normalizes_samples = true;
    int sampling_rate = 0;
    int vocabulary = 0;

    /// From one frame to the next, in samples.
    std::int64_t stride() const;
    /// How many samples a frame is made of.
    std::int64_t receptive_field() const;
    /// How many frames `samples` give; none where they are fewer than receptive_field().
    std::int64_t frames(std::int64_t samples) const;
};

/// `architecture`: "wav2vec2" or "hubert". Errors: Unsupported, naming the key, if `file` is of
/// another one, or says what cannot be: a missing or senseless size, an activation other than
/// "gelu", an adapter.
Result<CtcConfig> read_ctc_config(const engine::GgufFile& file, const std::string& architecture);

}  // namespace titans::hearing::ctc
