#include "character/prompt.h"

namespace titans::character {
namespace {

// Examples beyond this many bytes do not teach a small mind more; each costs prompt tokens once.
constexpr std::size_t kStyleBytes = 2000;

std::string persona(const store::CharacterRecord& character, const LlmConfig& config) {
    if (!config.system_prompt.empty()) return config.system_prompt;
    return std::format("You are {}.", character.name);
}

std::string last_turn(std::span<const std::string> passages, std::string_view question) {
    if (passages.empty()) return std::string(question);
    std::string text = "Read this and answer the question.\n\n";
    for (const std::string& passage : passages) text += passage + "\n\n";
    return text + std::format("Question: {}\nAnswer:", question);
}

}  // namespace

mind::Prompt make_prompt(const store::CharacterRecord& character, const LlmConfig& config,
                         std::span<const std::string> passages, std::string_view question) {
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
    prompt.messages.push_back({Role::User, last_turn(passages, question)});
    return prompt;
}

}  // namespace titans::character
