#pragma once

#include <string>
#include <string_view>

#include "foundation/error.h"

namespace titans::character {

/// What a character's `stt_settings` say, checked and with the defaults filled in.
struct SttSettings {
    std::string model = "whisper";
    std::string model_size = "base";
    std::string language = "auto";  // without a region: "en" of "en-us"
};

/// InvalidInput as parse_llm_config().
Result<SttSettings> parse_stt_settings(std::string_view json);

/// What a character's `voice_cloning_settings` say, checked and with the defaults filled in.
struct VoiceSettings {
    std::string model;  // empty: not given
    std::string reference_text;
    std::string language = "en";
};

/// InvalidInput as parse_llm_config().
Result<VoiceSettings> parse_voice_settings(std::string_view json);

}  // namespace titans::character
