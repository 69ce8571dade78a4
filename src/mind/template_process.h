#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "foundation/error.h"
#include "mind/language_model.h"

namespace titans::mind {

struct TemplateProgram {
    std::string source;  // Jinja
    std::string begin_token;
    std::string end_token;
};

/// A conversation for a template to write, up to where the assistant's next message begins.
struct SampleConversation {
    std::vector<Message> messages;
    bool typed_content =
        false;  // [{"type": "text", "text": ...}], which some templates want, instead of a string
};

struct TemplateLimits {
    std::chrono::milliseconds time{3000};
    std::size_t memory = 256U << 20U;  // bytes, more than this process has
    std::size_t output = 256U << 10U;  // bytes, of all conversations
    std::size_t source = 256U << 10U;  // bytes
};

/// What the template makes of each conversation; nothing where it raises an exception.
///
/// A child process does it, since nothing less holds a hostile template: its loops need not end,
/// its strings may double until memory is gone, its nesting overflows the stack. The child is
/// limited as `limits` says and killed when they are reached. Errors: Unsupported, with the reason
/// in `detail`.
Result<std::vector<std::optional<std::string>>> render_in_process(
    const TemplateProgram& program, std::span<const SampleConversation> conversations,
    const TemplateLimits& limits = {});

}  // namespace titans::mind
