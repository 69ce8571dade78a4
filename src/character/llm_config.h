#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "character/settings_reader.h"
#include "foundation/error.h"
#include "foundation/secret.h"
#include "mind/language_model.h"

namespace titans::character {

/// What a character's `llm_config` says, checked and with the defaults filled in.
struct LlmConfig {
    std::string model_name;  // empty: not given
    std::string model_path;
    std::string base_url;
    Secret api_key;             // as it stands in the settings: sealed, where they were stored
    std::string system_prompt;  // empty: made from the character's name
    mind::GenerationOptions generation;
    std::optional<int> context_length;
    std::optional<int> batch_size;
    int gpu_layers = -1;             // as many as fit
    bool trust_remote_code = false;  // has no effect: no code of a model ever runs
};

/// Parses the JSON object `json`; unknown keys are left alone, and told in `report`.
/// InvalidInput: not an object, or a value of the wrong type or outside its range, named as
/// `llm_config.<key>`.
Result<LlmConfig> parse_llm_config(std::string_view json, SettingsReport* report = nullptr);

/// `json`, an object, with `api_key` replaced; removed if that is empty.
std::string with_api_key(std::string_view json, const Secret& api_key);

}  // namespace titans::character
