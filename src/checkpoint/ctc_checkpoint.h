#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "checkpoint/model_file.h"
#include "checkpoint/tensor_picker.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// What config.json says of a Wav2Vec2ForCTC (arXiv:2006.11477) or HubertForCTC (arXiv:2106.07447).
struct CtcConfig {
    int vocabulary = 0;
    int width = 0;
    int layers = 0;
    int feed_forward = 0;
    std::vector<std::int32_t> conv_widths;
    std::vector<std::int32_t> conv_kernels;
    bool conv_bias = false;
    bool normalizes_each_conv = false;  // feat_extract_norm is "layer", not "group"
    bool normalizes_features = true;    // before the projection
    int position_kernel = 0;
    int position_groups = 0;
};

/// Checks config.json and says what it says in `out`, whose architecture, "wav2vec2" or "hubert",
/// is that of the network. Errors: InvalidInput or Unsupported, naming the key.
Result<CtcConfig> read_ctc_config(const nlohmann::json& config, ModelFile& out);

/// The tensors of the network as the ModelFile has them.
std::vector<NeededTensor> ctc_tensors(const CtcConfig& config);

/// A folder of Hugging Face's with config.json (Wav2Vec2ForCTC or HubertForCTC), the weights,
/// vocab.json and, if they are there, preprocessor_config.json, tokenizer_config.json,
/// special_tokens_map.json and added_tokens.json, to GGUF. Errors: NotFound, InvalidInput or
/// Unsupported, naming the file, key or tensor; Internal.
Result<void> convert_ctc(const std::filesystem::path& folder, const std::filesystem::path& output);

}  // namespace titans::checkpoint
