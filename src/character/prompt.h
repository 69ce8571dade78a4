#pragma once

#include <span>
#include <string>
#include <string_view>

#include "character/llm_config.h"
#include "mind/language_model.h"
#include "store/character_store.h"

namespace titans::character {

/// The prompt of one question, so laid out that its beginning stays the same from question to
/// question: the persona and the style examples first, and in the last turn what was found for this
/// question and the question itself. The wording is chosen by measurement (docs/prompting.md).
mind::Prompt make_prompt(const store::CharacterRecord& character, const LlmConfig& config,
                         std::span<const std::string> passages, std::string_view question);

}  // namespace titans::character
