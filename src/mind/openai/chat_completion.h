#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "foundation/error.h"
#include "foundation/units.h"
#include "mind/language_model.h"
#include "mind/text_stream.h"
#include "net/event_stream.h"

namespace titans::mind {

/// Whether a model of that name thinks before it answers, and therefore takes other parameters.
bool is_reasoning_model(std::string_view model);

/// The body of a chat completion request (https://platform.openai.com/docs/api-reference/chat).
/// `with_usage` asks for the token counts at the end of the stream, which not every server knows.
std::string completion_request(std::string_view model, const Prompt& prompt,
                               const GenerationOptions& options, bool with_usage);

/// Reads the answer to one, which comes in pieces cut anywhere: chunks as server-sent events or,
/// from servers that do not stream, one JSON object.
///
/// Its errors are Upstream, for the caller to complete: `message` says what the API did ("sent what
/// is no JSON"), `detail` holds the API's own words, if there are any.
class CompletionReader {
public:
    /// `start`: from when the first token is timed. `on_text` gets the text within add() and
    /// finish().
    CompletionReader(const GenerationOptions& options, const TextSink& on_text,
                     Clock::time_point start);
    CompletionReader(const CompletionReader&) = delete;
    CompletionReader& operator=(const CompletionReader&) = delete;

    Result<void> add(std::string_view bytes);
    /// What may still come does not matter.
    bool is_done() const { return done_; }
    /// When all has come, or what matters of it.
    Result<Completion> finish();

private:
    enum class Form : std::uint8_t { Unknown, Events, Whole };

    Result<void> read_event(std::string_view data);
    /// A chunk of the answer, whose text is its `delta`, or all of it, whose text is its `message`.
    Result<void> read_object(std::string_view object, const char* text_holder);
    void take_text(std::string_view text);

    const Clock::time_point start_;
    const std::size_t max_text_;  // bytes
    TextStream text_;
    net::EventStream events_;
    Form form_ = Form::Unknown;
    std::string whole_;   // of Form::Whole
    bool ended_ = false;  // the model is; its token counts may follow
    bool done_ = false;
    std::string finish_reason_;
    Completion completion_;
};

}  // namespace titans::mind
