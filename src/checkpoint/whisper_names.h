#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace titans::checkpoint {

/// Where CTranslate2 keeps a tensor of Whisper's: the `part`-th of `parts` equal ones that lie one
/// after the other in tensor `name`.
struct FusedName {
    std::string name;
    std::size_t part = 0;
    std::size_t parts = 1;
};

/// The place of a tensor that transformers calls `name` ("encoder.layers.0.fc1.weight") in
/// CTranslate2's model.bin ("encoder/layer_0/ffn/linear_0/weight").
FusedName ctranslate2_name(std::string_view name);

/// The name of the same tensor in OpenAI's files ("encoder.blocks.0.mlp.0.weight").
std::string openai_name(std::string_view name);

}  // namespace titans::checkpoint
