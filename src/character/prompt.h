#pragma once

#include <string>
#include <vector>

#include "character/llm_config.h"
#include "mind/language_model.h"
#include "store/character_store.h"

namespace titans::character {

/// What goes into the prompt of one question beside the character itself.
struct PromptParts {
    std::vector<store::SessionTurn> history;  // oldest first
    std::vector<std::string> passages;        // best first
    std::string question;
};

/// The prompt of one question, so laid out that its beginning stays the same from question to
/// question: the persona and the style examples first, then the history, and in the last turn what
/// was found for this question and the question itself. The wording is chosen by measurement
/// (docs/prompting.md).
mind::Prompt make_prompt(const store::CharacterRecord& character, const LlmConfig& config,
                         const PromptParts& parts);

/// The same with as much of `parts` as fits the mind's context: the last passages are left out
/// first, then the oldest turns, the persona and the question never. `parts` become what was used.
/// Call it where `mind` is used. Errors: as LanguageModel::fits().
Result<mind::Prompt> fit_prompt(mind::LanguageModel& mind, const store::CharacterRecord& character,
                                const LlmConfig& config, PromptParts& parts);

}  // namespace titans::character
