#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "checkpoint/model_file.h"
#include "checkpoint/tensor_picker.h"
#include "checkpoint/token_table.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The sizes of a Whisper network (arXiv:2212.04356).
struct WhisperConfig {
    int vocabulary = 0;
    int mels = 0;
    int width = 0;
    int encoder_layers = 0;
    int decoder_layers = 0;
    int encoder_feed_forward = 0;
    int decoder_feed_forward = 0;
    int source_positions = 0;  // frames of the encoder
    int target_positions = 0;  // tokens of the decoder
    int decoder_heads = 0;
};

/// Checks transformers' config.json and says what it says in `out`. Errors: InvalidInput or
/// Unsupported, naming the key.
Result<WhisperConfig> read_whisper_config(const nlohmann::json& config, ModelFile& out);

/// The tensors of the network as the ModelFile has them. The matrix that scores the tokens is
/// decoder.embed_tokens.weight.
std::vector<NeededTensor> whisper_tensors(const WhisperConfig& config);

/// The vocabulary of `size` tokens, to which the timestamps that older tokenizers leave out are
/// added (<|0.00|>, <|0.02|>, ...). Errors: InvalidInput if a token is missing that decoding needs.
Result<std::vector<std::string>> list_whisper_tokens(TokenTable table, int size);

/// Whisper to GGUF, from a folder of transformers', or of CTranslate2's (with model.bin and
/// vocabulary.txt or .json), or from OpenAI's .pt file, beside which lies the vocabulary of
/// transformers (and generation_config.json, if it is there). Which one it is is found out by what
/// is there. Errors: NotFound, InvalidInput or Unsupported, naming the file, key or tensor;
/// Internal.
Result<void> convert_whisper(const std::filesystem::path& input,
                             const std::filesystem::path& output);

}  // namespace titans::checkpoint
