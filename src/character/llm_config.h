#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "foundation/error.h"
#include "mind/language_model.h"

namespace titans::character {

/// What a character's `llm_config` says, checked and with the defaults filled in.
struct LlmConfig {
    std::string model_name;  // empty: not given
    std::string model_path;
    std::string base_url;
    bool has_api_key = false;
    std::string system_prompt;  // empty: made from the character's name
    mind::GenerationOptions generation;
    std::optional<int> context_length;
    std::optional<int> batch_size;
    int gpu_layers = -1;  // as many as fit
};

/// Parses the JSON object `json`; unknown keys are left alone.
/// InvalidInput: not an object, or a value of the wrong type or outside its range, named as
/// `llm_config.<key>`.
Result<LlmConfig> parse_llm_config(std::string_view json);

}  // namespace titans::character
