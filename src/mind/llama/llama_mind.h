#pragma once

#include <cstdint>
#include <filesystem>
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
};

/// A GGUF language model in this process, by libllama.
///
/// The fixed parts of the last few prompts stay computed, and so do the last conversations; what a
/// new prompt has in common with any of them is not computed again. They share the memory of one
/// context: when it is full, what was used longest ago goes first.
class LlamaMind final : public LanguageModel {
public:
    /// Errors: InvalidInput if `file` is no model; Unsupported if it is none that writes text;
    /// Internal.
    static Result<std::unique_ptr<LlamaMind>> load(const std::filesystem::path& file,
                                                   const LlamaMindOptions& options);

    Result<Completion> generate(const Prompt& prompt, const GenerationOptions& options,
                                const TextSink& on_text, std::stop_token stop) override;
    Result<void> prepare(const Prompt& prompt, std::stop_token stop) override;

    /// "llama 135M Q8_0".
    std::string description() const { return model_->description(); }
    int context_length() const { return context_->options().context_length; }

private:
    using Token = engine::Token;

    /// What one sequence of the context remembers.
    struct Memory {
        int sequence;
        std::vector<Token> tokens = {};
        std::uint64_t last_used = 0;
    };

    struct ReadPrompt {
        Memory* memory;  // ends with the prompt
        int cached;      // tokens of it that were not computed
    };

    LlamaMind(std::shared_ptr<const engine::LlamaModel> model,
              std::unique_ptr<engine::LlamaContext> context, ChatTemplate chat_template);

    Result<std::vector<Token>> tokenize(std::span<const Message> messages) const;
    /// How many tokens the fixed part of `prompt` begins every prompt with.
    Result<std::vector<Token>> fixed_tokens(const Prompt& prompt) const;
    Result<ReadPrompt> read(std::span<const Token> tokens, std::span<const Token> fixed,
                            const std::stop_token& stop);
    /// A conversation that begins like `tokens`, with as much of them as can be had, but not the
    /// last.
    Memory& begin(std::span<const Token> tokens);
    /// Computes what is missing in `memory` of `tokens`.
    Result<void> extend(Memory& memory, std::span<const Token> tokens, const std::stop_token& stop);
    /// decode(), with room made by forgetting others.
    engine::LlamaContext::Outcome decode(Memory& memory, std::span<const Token> tokens,
                                         const std::stop_token& stop);
    void keep(const Memory& memory, std::span<const Token> fixed);
    bool forget_oldest(const Memory& except);
    void clear(Memory& memory);
    /// Makes `to` what the first `size` tokens of `from` are. False, and `to` empty, if this
    /// model's memory cannot.
    bool copy(const Memory& from, std::size_t size, Memory& to);
    Memory& oldest(std::vector<Memory>& memories);

    std::shared_ptr<const engine::LlamaModel> model_;
    std::unique_ptr<engine::LlamaContext> context_;
    ChatTemplate chat_template_;
    std::vector<Memory> conversations_;
    std::vector<Memory>
        fixed_parts_;  // never continued, so that models whose memory cannot be cut keep them too
    std::uint64_t uses_ = 0;
};

}  // namespace titans::mind
