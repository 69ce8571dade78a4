#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/llama/llama_model.h"
#include "foundation/error.h"
#include "mind/language_model.h"

namespace titans::mind {

/// What a model's chat template writes around the messages of a conversation: between the texts of
/// a system message (which may be absent), then a user's and the assistant's by turns, a user's the
/// last, stand always the same strings.
///
/// A template is a Jinja program that came with a foreign file. It runs once, over sample
/// conversations, when the model is loaded, in a process of its own (template_process.h). From what
/// it made of them these strings are learned, and no question runs it again.
class ChatTemplate {
public:
    /// `source`: the Jinja text. Errors: Unsupported if it cannot be rendered, or does not write
    /// conversations that way.
    static Result<ChatTemplate> learn(const std::string& source, const std::string& begin_token,
                                      const std::string& end_token);

    /// For models without a template (https://github.com/openai/openai-python, chatml.md).
    static ChatTemplate chatml();

    /// The prompt after which the model writes the assistant's next message. Neighbouring messages
    /// of one role are joined by an empty line; a system message that the template has no place for
    /// goes in front of the first user's text. Texts lose the white space around them. Errors:
    /// InvalidInput if the last message is not the user's, or one that is not the first is the
    /// system's.
    Result<std::vector<engine::PromptPiece>> render(std::span<const Message> messages) const;

    bool takes_system() const { return takes_system_; }

private:
    bool takes_system_ = true;
    std::string begin_;         // before the first user's text where there is no system message
    std::string system_begin_;  // before the system's text
    std::string system_to_user_;
    std::string user_to_assistant_;
    std::string assistant_to_user_;
    std::string user_to_answer_;  // after the last user's text
};

}  // namespace titans::mind
