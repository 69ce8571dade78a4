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
    int context_length = 0;  // tokens; 0: 4096. Never more than the model was trained for
    int batch_size = 512;    // prompt tokens that are computed at once
    int threads = 0;         // 0: one for each processor
    int gpu_layers = -1;     // how many layers a GPU keeps, if there is one; negative: all
    std::size_t kept_bytes = 256U << 20U;  // for the computed fixed parts of prompts
};

/// A GGUF language model in this process, by libllama.
///
/// What was computed for the last prompt and its answer stays, and what a new prompt has in common
/// with its beginning is not computed again. What was computed for the fixed part of a prompt is
/// also put aside, for as many as kept_bytes hold, the latest used ones: so characters that take
/// turns keep theirs, models whose memory cannot be cut keep it too, and attention, whose time
/// grows with all that a context holds, sees only one conversation.
class LlamaMind final : public LanguageModel {
public:
    /// Errors: InvalidInput if `file` is no model; Unsupported if it is none that writes text;
    /// Internal.
    static Result<std::unique_ptr<LlamaMind>> load(const std::filesystem::path& file,
                                                   const LlamaMindOptions& options);

    Result<Completion> generate(const Prompt& prompt, const GenerationOptions& options,
                                const TextSink& on_text, std::stop_token stop) override;
    Result<void> prepare(const Prompt& prompt, std::stop_token stop) override;
    /// With room for the answer that may be asked for, or a quarter of the context if that is less.
    Result<bool> fits(const Prompt& prompt, const GenerationOptions& options) override;

    /// "llama 135M Q8_0".
    std::string description() const { return model_->description(); }
    int context_length() const { return context_->options().context_length; }

private:
    using Token = engine::Token;

    /// The state after the fixed part of some prompt.
    struct FixedPart {
        std::vector<Token> tokens;
        std::vector<std::uint8_t> state;
    };

    LlamaMind(std::shared_ptr<const engine::LlamaModel> model,
              std::unique_ptr<engine::LlamaContext> context, ChatTemplate chat_template,
              std::size_t kept_bytes)
        : model_(std::move(model)),
          context_(std::move(context)),
          chat_template_(std::move(chat_template)),
          kept_bytes_(kept_bytes) {}

    Result<std::vector<Token>> tokenize(std::span<const Message> messages) const;
    /// The tokens with which the fixed part of `prompt` begins every prompt.
    Result<std::vector<Token>> fixed_tokens(const Prompt& prompt) const;
    /// Makes the context's text `tokens`, of which the last is computed in any case. Returns how
    /// many were not.
    Result<int> read(std::span<const Token> tokens, std::span<const Token> fixed,
                     const std::stop_token& stop);
    /// Makes the context's text the longest beginning of `tokens` that can be had without
    /// computing, but not all of them.
    void begin(std::span<const Token> tokens);
    /// Computes what is missing of `tokens`.
    Result<void> extend(std::span<const Token> tokens, const std::stop_token& stop);
    engine::LlamaContext::Outcome decode(std::span<const Token> tokens,
                                         const std::stop_token& stop);
    void shorten(std::size_t length);
    void keep_fixed_part();

    std::shared_ptr<const engine::LlamaModel> model_;
    std::unique_ptr<engine::LlamaContext> context_;
    ChatTemplate chat_template_;
    std::size_t kept_bytes_;
    std::vector<Token> text_;           // what the context has read
    std::list<FixedPart> fixed_parts_;  // the last used one first
};

}  // namespace titans::mind
