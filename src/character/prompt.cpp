#include "character/prompt.h"

namespace titans::character {
namespace {

// Examples beyond this many bytes do not teach a small mind more; each costs prompt tokens once.
constexpr std::size_t kStyleBytes = 2000;

std::string persona(const store::CharacterRecord& character, const LlmConfig& config) {
    if (!config.system_prompt.empty()) return config.system_prompt;
    return std::format("You are {}.", character.name);
}

std::string last_turn(const std::vector<std::string>& passages, const std::string& question) {
    if (passages.empty()) return question;
    std::string text = "Read this and answer the question.\n\n";
    for (const std::string& passage : passages) text += passage + "\n\n";
    return text + std::format("Question: {}\nAnswer:", question);
}

}  // namespace

mind::Prompt make_prompt(const store::CharacterRecord& character, const LlmConfig& config,
                         const PromptParts& parts) {
    using mind::Role;
    mind::Prompt prompt;
    prompt.messages.push_back({Role::System, persona(character, config)});
    std::size_t bytes = 0;
    for (const store::StyleExample& example : character.style) {
        bytes += example.question.size() + example.response.size();
        if (bytes > kStyleBytes) break;
        prompt.messages.push_back({Role::User, example.question});
        prompt.messages.push_back({Role::Assistant, example.response});
    }
    prompt.fixed = prompt.messages.size();
    for (const store::SessionTurn& turn : parts.history) {
        prompt.messages.push_back({Role::User, turn.question});
        prompt.messages.push_back({Role::Assistant, turn.answer});
    }
    prompt.messages.push_back({Role::User, last_turn(parts.passages, parts.question)});
    return prompt;
}

Result<mind::Prompt> fit_prompt(mind::LanguageModel& mind, const store::CharacterRecord& character,
                                const LlmConfig& config, PromptParts& parts) {
    while (true) {
        mind::Prompt prompt = make_prompt(character, config, parts);
        TITANS_TRY(const bool fits, mind.fits(prompt, config.generation));
        if (fits) return prompt;
        if (!parts.passages.empty()) {
            parts.passages.pop_back();
        } else if (!parts.history.empty()) {
            parts.history.erase(parts.history.begin());
        } else {
            return prompt;  // the mind says what is too long
        }
    }
}

}  // namespace titans::character
