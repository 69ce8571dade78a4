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

/// Texts that a language model reads and continues side by side, with what it computed for each
/// token of them. The texts are numbered from 0; they share one memory, and what one has copied
/// from another takes none.
///
/// Not thread-safe.
class LlamaContext {
public:
    struct Options {
        int context_length = 4096;  // tokens of all texts together
        int batch_size = 512;       // tokens that are computed at once, at least one for each text
        int texts = 1;
        int threads = 1;
    };

    enum class Outcome : std::uint8_t { Done, Full, Stopped, Failed };

    /// What is read next of one text.
    struct Reading {
        int text;
        std::span<const Token> tokens;  // at least one
        std::stop_token stop;
    };

    /// Errors: Internal, with libllama's words, if the memory cannot be had.
    static Result<std::unique_ptr<LlamaContext>> open(std::shared_ptr<const LlamaModel> model,
                                                      Options options);

    LlamaContext(const LlamaContext&) = delete;
    LlamaContext& operator=(const LlamaContext&) = delete;
    ~LlamaContext();

    /// Reads at the ends of some texts, of each at most once, together at most batch_size tokens.
    /// On Done the scores after the last token of each reading are what LlamaSampler picks from.
    /// Full: there is no memory for so many tokens, and nothing is read. Stopped: the `stop` of
    /// every reading has fired; polled within the computation. Unless it is Done, length() tells
    /// how far each text got.
    Outcome decode(std::span<const Reading> readings);

    /// The tokens of a text.
    int length(int text) const;
    /// Forgets the text from token `length` on. False, and nothing done, if this model's memory
    /// cannot be cut.
    bool truncate(int text, int length);
    void clear(int text);
    /// Makes the first `length` tokens of `from` the text `to`, without computing or memory. False,
    /// and `to` empty, if this model's memory cannot be cut.
    bool copy(int from, int to, int length);

    /// All that was computed for a text, to be restored into a context of the same model.
    std::vector<std::uint8_t> save(int text) const;
    /// False, and the text empty, if that fails, as it may where the memory is nearly full.
    bool restore(int text, std::span<const std::uint8_t> saved);

    const LlamaModel& model() const { return *model_; }
    const Options& options() const { return options_; }  // as granted
    llama_context* handle() const { return context_; }

private:
    LlamaContext(std::shared_ptr<const LlamaModel> model, Options options)
        : model_(std::move(model)), options_(options) {}

    std::shared_ptr<const LlamaModel> model_;
    Options options_;
    llama_context* context_ = nullptr;
    std::span<const Reading> readings_;  // during decode(): what the abort callback looks at
};

}  // namespace titans::engine
