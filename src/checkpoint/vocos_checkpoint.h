#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "checkpoint/model_file.h"
#include "checkpoint/tensor_picker.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// What config.yaml says of a Vocos of mel spectrograms (arXiv:2306.00814).
struct VocosSizes {
    int bands = 0;
    int width = 0;
    int inner = 0;  // of a block's two linear layers
    int layers = 0;
    int window = 0;  // of the inverse Fourier transform, samples
};

/// Checks config.yaml and says what it says in `out`. Errors: InvalidInput or Unsupported, naming
/// the key.
Result<VocosSizes> read_vocos_config(const nlohmann::json& config, ModelFile& out);

/// The tensors of the network, named as in the ModelFile and in the source.
std::vector<NeededTensor> vocos_tensors(const VocosSizes& sizes);

/// A folder with config.yaml and the weights, pytorch_model.bin or model.safetensors, to GGUF.
/// Errors: NotFound, InvalidInput or Unsupported, naming the file, key or tensor; Internal.
Result<void> convert_vocos(const std::filesystem::path& folder,
                           const std::filesystem::path& output);

}  // namespace titans::checkpoint
