#include "mind/chat_template.h"

#include <array>
#include <optional>

#include "mind/template_process.h"

namespace titans::mind {
namespace {

constexpr std::string_view kSystem = "Xsys1m";
constexpr std::array<std::string_view, 3> kUser{"Xusr1m", "Xusr2m", "Xusr3m"};
constexpr std::array<std::string_view, 2> kAssistant{"Xast1m", "Xast2m"};

Message message(Role role, std::string_view text) { return {role, std::string(text)}; }

/// The messages of a sample, with or without a system message, with 1 or 3 of the user's.
std::vector<Message> sample(bool system, std::size_t turns) {
    std::vector<Message> messages;
    if (system) messages.push_back(message(Role::System, kSystem));
    for (std::size_t turn = 0; turn < turns; ++turn) {
        messages.push_back(message(Role::User, kUser[turn]));
        if (turn + 1 < turns) messages.push_back(message(Role::Assistant, kAssistant[turn]));
    }
    return messages;
}

/// What stands before, between and after the texts of `messages`, if each is there once and in this
/// order.
std::optional<std::vector<std::string>> split(const std::optional<std::string>& rendered,
                                              const std::vector<Message>& messages) {
    if (!rendered) return std::nullopt;
    std::vector<std::string> between;
    std::size_t from = 0;
    for (const Message& message : messages) {
        const std::size_t at = rendered->find(message.text);
        if (at == std::string::npos || at < from ||
            rendered->find(message.text, at + 1) != std::string::npos) {
            return std::nullopt;
        }
        between.push_back(rendered->substr(from, at - from));
        from = at + message.text.size();
    }
    between.push_back(rendered->substr(from));
    return between;
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kSpace = " \t\r\n\v\f";
    const std::size_t first = text.find_first_not_of(kSpace);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

/// One message for each run of messages of one role, trimmed.
std::vector<Message> joined(std::span<const Message> messages) {
    std::vector<Message> result;
    for (const Message& next : messages) {
        const std::string_view text = trim(next.text);
        if (!result.empty() && result.back().role == next.role) {
            if (!result.back().text.empty() && !text.empty()) result.back().text += "\n\n";
            result.back().text += text;
        } else {
            result.push_back({next.role, std::string(text)});
        }
    }
    return result;
}

}  // namespace

Result<ChatTemplate> ChatTemplate::learn(const std::string& source, const std::string& begin_token,
                                         const std::string& end_token) {
    struct Form {
        bool typed, system;
        std::size_t turns;
    };
    static constexpr std::array<Form, 8> kForms{{{false, true, 3},
                                                 {false, true, 1},
                                                 {false, false, 3},
                                                 {false, false, 1},
                                                 {true, true, 3},
                                                 {true, true, 1},
                                                 {true, false, 3},
                                                 {true, false, 1}}};
    std::vector<SampleConversation> samples;
    for (const Form& form : kForms)
        samples.push_back({sample(form.system, form.turns), form.typed});
    TITANS_TRY(const auto rendered, render_in_process({source, begin_token, end_token}, samples));

    // The first of the two ways to give a text that the template understands.
    for (std::size_t first = 0; first < samples.size(); first += 4) {
        const auto parts = [&](std::size_t i) {
            return split(rendered[first + i], samples[first + i].messages);
        };
        const auto with_system = parts(0);
        const auto without = parts(2);
        if (!with_system && !without) continue;
        ChatTemplate learned;
        learned.takes_system_ = with_system.has_value();
        // From the first user's text on: user 1, assistant 1, user 2, assistant 2, user 3, end.
        const std::vector<std::string> tail(
            with_system ? with_system->begin() + 2 : without->begin() + 1,
            with_system ? with_system->end() : without->end());
        learned.user_to_assistant_ = tail[0];
        learned.assistant_to_user_ = tail[1];
        learned.user_to_answer_ = tail[4];
        bool regular = tail[2] == tail[0] && tail[3] == tail[1];
        if (with_system) {
            learned.system_begin_ = (*with_system)[0];
            learned.system_to_user_ = (*with_system)[1];
            const auto single = parts(1);
            regular = regular && single == std::vector{learned.system_begin_,
                                                       learned.system_to_user_, tail[4]};
        }
        if (without) {
            learned.begin_ = (*without)[0];
            const auto single = parts(3);
            regular = regular && std::vector(without->begin() + 1, without->end()) == tail &&
                      single == std::vector{learned.begin_, tail[4]};
        } else {
            learned.begin_ = learned.system_begin_ + learned.system_to_user_;
        }
        if (!regular) break;
        return learned;
    }
    return fail(ErrorKind::Unsupported,
                "the model's chat template is of a kind that is not understood",
                rendered[2].value_or("it raises an exception").substr(0, 500));
}

ChatTemplate ChatTemplate::chatml() {
    ChatTemplate result;
    result.begin_ = "<|im_start|>user\n";
    result.system_begin_ = "<|im_start|>system\n";
    result.system_to_user_ = "<|im_end|>\n<|im_start|>user\n";
    result.user_to_assistant_ = "<|im_end|>\n<|im_start|>assistant\n";
    result.assistant_to_user_ = "<|im_end|>\n<|im_start|>user\n";
    result.user_to_answer_ = "<|im_end|>\n<|im_start|>assistant\n";
    return result;
}

Result<std::vector<engine::PromptPiece>> ChatTemplate::render(
    std::span<const Message> messages) const {
    using enum engine::PromptPiece::Origin;
    std::vector<Message> turns = joined(messages);
    std::vector<engine::PromptPiece> pieces;
    std::string first_text;  // a system message in front of the first user's
    if (!turns.empty() && turns.front().role == Role::System) {
        if (takes_system_) {
            pieces.push_back({system_begin_, Template});
            pieces.push_back({std::move(turns.front().text), Content});
            pieces.push_back({system_to_user_, Template});
        } else {
            pieces.push_back({begin_, Template});
            first_text = std::move(turns.front().text);
            if (!first_text.empty()) first_text += "\n\n";
        }
        turns.erase(turns.begin());
    } else {
        pieces.push_back({begin_, Template});
    }
    // The assistant may speak first, as greetings do: to a user who has not said anything.
    if (!turns.empty() && turns.front().role == Role::Assistant)
        turns.insert(turns.begin(), message(Role::User, ""));
    if (turns.empty() || turns.back().role != Role::User) {
        return fail(ErrorKind::InvalidInput, "messages: the last one must be the user's");
    }
    for (std::size_t i = 0; i < turns.size(); ++i) {
        if (turns[i].role == Role::System) {
            return fail(ErrorKind::InvalidInput,
                        "messages: only the first one can be the system's");
        }
        if (i == 0) {
            pieces.push_back({first_text + turns[i].text, Content});
        } else {
            pieces.push_back(
                {turns[i].role == Role::User ? assistant_to_user_ : user_to_assistant_, Template});
            pieces.push_back({std::move(turns[i].text), Content});
        }
    }
    pieces.push_back({user_to_answer_, Template});
    return pieces;
}

}  // namespace titans::mind
