#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::mind {

enum class Role : std::uint8_t { System, User, Assistant };

struct Message {
    Role role;
    std::string text;  // UTF-8
};

/// What a mind is asked. The first `fixed` messages do not change between the questions to one
/// character (persona, pinned style): a mind that can keeps their computed state.
struct Prompt {
    std::vector<Message> messages;
    std::size_t fixed = 0;
};

struct GenerationOptions {
    int max_tokens = 200;
    float temperature = 0.2F;  // 0: greedy. Low: what a character knows should be told as it is
    float top_p = 0.9F;
    int top_k = 40;
    float min_p = 0.05F;
    float repeat_penalty = 1.1F;            // a small mind else repeats itself
    std::optional<std::uint32_t> seed;      // random if absent
    std::vector<std::string> stop_strings;  // the text ends before the first of them
};

struct Completion {
    std::string text;
    int prompt_tokens = 0;  // of which
    int cached_tokens = 0;  // were not computed again
    int completion_tokens = 0;
    Milliseconds first_token{};  // from the call to the first token
    bool truncated = false;      // ended by max_tokens or a full context, not by the model
};

/// Gets each piece of the answer as it comes: whole UTF-8 characters, and never a part of a stop
/// string.
using TextSink = std::function<void(std::string_view piece)>;

/// Writes the next message of a conversation.
///
/// Not thread-safe: call it on the executor that loaded it, one request at a time.
class LanguageModel {
public:
    virtual ~LanguageModel() = default;

    /// Answers `prompt`, streaming to `on_text`. Polls `stop` at least once a token, also while it
    /// reads the prompt. Errors: InvalidInput if the fixed part and the question do not fit the
    /// context; Cancelled; Internal.
    virtual Result<Completion> generate(const Prompt& prompt, const GenerationOptions& options,
                                        const TextSink& on_text, std::stop_token stop) = 0;

    /// Computes the fixed part of `prompt`, so that the next question to it starts warm. Errors as
    /// generate().
    virtual Result<void> prepare(const Prompt& prompt, std::stop_token stop) = 0;

    /// Whether `prompt` and a fair part of the answer that `options` allow fit the context.
    virtual Result<bool> fits(const Prompt& prompt, const GenerationOptions& options) = 0;
};

/// An answer that is to be written beside others.
struct Assignment {
    Prompt prompt;
    /// Absent: nothing is written, the fixed part of the prompt is computed as by prepare().
    std::optional<GenerationOptions> options;
    TextSink on_text;
    std::stop_token stop;
    /// Called once, with what generate() would return.
    std::function<void(Result<Completion>)> on_end;
};

/// A mind that works on several assignments at once, in steps: each is one computation that takes
/// every answer on by a token and reads some of the next prompts, for less than all of these cost
/// one by one.
///
/// Not thread-safe: call it on the executor that loaded it. on_text and on_end are called there,
/// within begin() and step(), and call nothing of it.
class SteppedModel : public LanguageModel {
public:
    /// Takes an assignment. What cannot be done ends at once, the rest in some step().
    virtual void begin(Assignment assignment) = 0;
    /// Does one step, if there is work. Its time is bounded by what one computation takes.
    virtual void step() = 0;
    /// Ends all assignments with `error`.
    virtual void abandon(const Error& error) = 0;
    /// There is no assignment.
    virtual bool is_idle() const = 0;
};

}  // namespace titans::mind
