#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <span>
#include <vector>

#include "engine/llama/llama_context.h"
#include "mind/chat_template.h"
#include "mind/language_model.h"

namespace titans::mind {

struct LlamaMindOptions {
    int context_length = 0;  // tokens of one answer; 0: 4096. Never more than it was trained for
    int batch_size = 512;    // prompt tokens that are computed at once, at most
    int answers = 8;         // that are written at once, at most
    int threads = 0;         // 0: one for each processor
    int gpu_layers = -1;     // how many layers a GPU keeps, if there is one; negative: all
    std::size_t kept_bytes = 256U << 20U;  // for the computed fixed parts of prompts
};

/// A GGUF language model in this process, by libllama.
///
/// It writes several answers at once. They begin in the order in which they came; each has a text
/// in the context while it is read and written. The texts share the context's memory, which has
/// room for one of the full length and as much again, up to 4,096 tokens, for the others. Where
/// that is not enough, the answer that began last makes way, and is read again when another has
/// ended.
///
/// Nothing is computed twice if that can be helped. A new text copies the longest beginning that it
/// has in common with another one in the context, also one that has ended, as long as its place is
/// not needed. What was computed for the fixed part of a prompt is also put aside, for as many as
/// kept_bytes hold, the latest used ones: so characters that take turns keep theirs, and models
/// whose memory cannot be cut keep it too. An answer that is written alone leaves only its own text
/// in the context: the time of attention grows with all that it holds.
///
/// An answer's words do not depend on what is written beside it but for rounding: a computation of
/// several rows adds numbers in another order than one of a single row. Where two tokens are as
/// good as equally likely, that may decide.
class LlamaMind final : public SteppedModel {
public:
    /// Errors: InvalidInput if `file` is no model; Unsupported if it is none that writes text;
    /// Internal.
    static Result<std::unique_ptr<LlamaMind>> load(const std::filesystem::path& file,
                                                   const LlamaMindOptions& options);
    ~LlamaMind() override;

    void begin(Assignment assignment) override;
    void step() override;
    void abandon(const Error& error) override;
    bool is_idle() const override { return answers_.empty(); }

    /// These take steps, of all assignments, until they are done.
    Result<Completion> generate(const Prompt& prompt, const GenerationOptions& options,
                                const TextSink& on_text, std::stop_token stop) override;
    Result<void> prepare(const Prompt& prompt, std::stop_token stop) override;
    /// With room for the answer that may be asked for, or a quarter of the context if that is less.
    Result<bool> fits(const Prompt& prompt, const GenerationOptions& options) override;

    /// "llama 135M Q8_0".
    std::string description() const { return model_->description(); }
    int context_length() const { return context_length_; }

private:
    using Token = engine::Token;

    struct Answer;  // being read or written

    /// One of the context's texts.
    struct Text {
        int number;
        std::vector<Token> tokens;   // that are computed
        Answer* answer = nullptr;    // whose it is; null: what an ended one left
        std::uint64_t ended_at = 0;  // later ones are larger; 0: empty

        bool is_free() const { return answer == nullptr; }
    };

    /// The state after the fixed part of some prompt.
    struct FixedPart {
        std::vector<Token> tokens;
        std::vector<std::uint8_t> state;
    };

    /// What one step reads of an answer.
    struct Part {
        Answer* answer;
        std::size_t size;  // tokens
    };

    LlamaMind(std::shared_ptr<const engine::LlamaModel> model,
              std::unique_ptr<engine::LlamaContext> context, ChatTemplate chat_template,
              int context_length, std::size_t prompt_tokens, std::size_t kept_bytes);

    Result<std::vector<Token>> tokenize(std::span<const Message> messages) const;
    /// The tokens with which the fixed part of `prompt` begins every prompt.
    Result<std::vector<Token>> fixed_tokens(const Prompt& prompt) const;
    /// Checks an assignment and makes it an Answer that waits for a text.
    Result<std::unique_ptr<Answer>> accept(Assignment& assignment) const;
    Result<Completion> work_off(Assignment assignment);

    /// What the next step reads: a token of each answer that is being written, and of the prompts
    /// as much as is read at once. Gives texts to answers that wait for one.
    std::vector<Part> plan();
    /// There is a text for it, and nobody reads what it could copy if it waited.
    bool may_settle(const Answer& answer) const;
    /// Gives it a text, with the longest beginning that can be had without computing.
    void settle(Answer& answer);
    /// How much of `text` an answer may copy. Never all it needs: the last token's scores are
    /// wanted.
    std::size_t common(const Text& text, const Answer& answer) const;
    /// Goes on with an answer of which all is read: picks its next token from the scores after the
    /// batch's token `row`, or ends it.
    void write(Answer& answer, int row);
    void end(Answer& answer, Result<Completion> result);
    void end_stopped();
    /// The answer's text becomes one that an ended answer left.
    Text& leave(Answer& answer);

    /// The longest that `answer` begins with.
    const FixedPart* find_kept(const Answer& answer) const;
    /// False if its fixed part is not put aside.
    bool use_kept(const Answer& answer);
    void keep_fixed_part(const Text& text);

    void shorten(Text& text, std::size_t length);
    void clear(Text& text);
    /// After a computation that was not done: makes of the context's text what it was.
    void mend(Text& text);
    /// What the oldest ended answer left goes, or else the answer that began last waits. False if
    /// there is only one.
    bool make_room();

    std::shared_ptr<const engine::LlamaModel> model_;
    std::unique_ptr<engine::LlamaContext> context_;
    ChatTemplate chat_template_;
    const int context_length_;
    const std::size_t prompt_tokens_;  // that a step reads at most
    const std::size_t kept_bytes_;
    std::vector<Text> texts_;
    std::list<std::unique_ptr<Answer>> answers_;  // in the order in which they came
    std::list<FixedPart> fixed_parts_;            // the last used one first
    std::uint64_t ended_ = 0;                     // answers, so far
    bool crowded_ = false;  // an answer had to make way, and none has ended since
};

}  // namespace titans::mind
