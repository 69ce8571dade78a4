#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/llama/llama_model.h"
#include "foundation/error.h"

struct llama_context;

namespace titans::engine {

/// One text that a language model reads and continues, with what it computed for each token of it.
///
/// Not thread-safe.
class LlamaContext {
public:
    struct Options {
        int context_length = 4096;  // tokens
        int batch_size = 512;       // tokens that are computed at once
        int threads = 1;
    };

    enum class Outcome : std::uint8_t { Done, Stopped, Failed };

    /// Errors: Internal, with libllama's words, if the memory cannot be had.
    static Result<std::unique_ptr<LlamaContext>> open(std::shared_ptr<const LlamaModel> model,
                                                      Options options);

    LlamaContext(const LlamaContext&) = delete;
    LlamaContext& operator=(const LlamaContext&) = delete;
    ~LlamaContext();

    /// Reads `tokens`, at most batch_size, at the end of the text, which with them must not exceed
    /// context_length. On Done the last token's scores are what LlamaSampler picks from; otherwise
    /// length() tells how far it got. Polls `stop` within the computation.
    Outcome decode(std::span<const Token> tokens, const std::stop_token& stop);

    /// The tokens of the text.
    int length() const;
    /// Forgets the text from token `length` on. False, and nothing done, if this model's memory
    /// cannot be cut.
    bool truncate(int length);
    void clear();

    /// All that was computed for the text, to be restored into a context of the same model and
    /// options.
    std::vector<std::uint8_t> save() const;
    /// False, and the text empty, if that fails.
    bool restore(std::span<const std::uint8_t> saved);

    const LlamaModel& model() const { return *model_; }
    const Options& options() const { return options_; }  // as granted
    llama_context* handle() const { return context_; }

private:
    LlamaContext(std::shared_ptr<const LlamaModel> model, Options options)
        : model_(std::move(model)), options_(options) {}

    std::shared_ptr<const LlamaModel> model_;
    Options options_;
    llama_context* context_ = nullptr;
    std::stop_token stop_;  // what the abort callback reads
};

}  // namespace titans::engine
