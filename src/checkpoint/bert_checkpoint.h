#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <vector>

#include "checkpoint/model_file.h"
#include "checkpoint/tensor_picker.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The sizes of a BERT encoder (arXiv:1810.04805).
struct BertSizes {
    int vocabulary = 0;
    int width = 0;
    int layers = 0;
    int feed_forward = 0;
    int positions = 0;
    int token_types = 0;
};

/// Checks config.json and says what it says in `out`. Errors: InvalidInput or Unsupported, naming
/// the key.
Result<BertSizes> read_bert_sizes(const nlohmann::json& config, ModelFile& out);

/// The tensors of the network as the ModelFile has them.
std::vector<NeededTensor> bert_tensors(const BertSizes& sizes);

/// A folder of sentence-transformers' with a BertModel (config.json, the weights, vocab.txt or
/// tokenizer.json and, if they are there, tokenizer_config.json, modules.json, the pooling's
/// config.json, sentence_bert_config.json and config_sentence_transformers.json), to GGUF for our
/// own network. Errors: NotFound, InvalidInput or Unsupported, naming the file, key or tensor;
/// Internal.
Result<void> convert_bert(const std::filesystem::path& folder, const std::filesystem::path& output);

}  // namespace titans::checkpoint
