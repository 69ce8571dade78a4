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

/// The state of a language model that continues texts: several sequences of tokens that share one
/// memory, in which the parts that sequences have in common are stored once.
///
/// Not thread-safe.
class LlamaContext {
public:
    struct Options {
        int context_length = 4096;  // tokens, of all sequences together
        int batch_size = 512;       // tokens that are computed at once
        int threads = 1;
        int sequences = 1;
    };

    enum class Outcome : std::uint8_t { Done, Full, Stopped, Failed };

    /// Errors: Internal, with libllama's words, if the memory cannot be had.
    static Result<std::unique_ptr<LlamaContext>> open(std::shared_ptr<const LlamaModel> model,
                                                      Options options);

    LlamaContext(const LlamaContext&) = delete;
    LlamaContext& operator=(const LlamaContext&) = delete;
    ~LlamaContext();

    /// Reads `tokens`, at most batch_size, at `position` and after of `sequence`, which must end
    /// there. On Done the last token's scores are what LlamaSampler picks from. Polls `stop` within
    /// the computation. Full: nothing was read. Otherwise length() tells how far it got.
    Outcome decode(int sequence, int position, std::span<const Token> tokens,
                   const std::stop_token& stop);

    /// The tokens that `sequence` remembers.
    int length(int sequence) const;
    /// Forgets what `sequence` has from `position` on. False, and nothing done, if this model's
    /// memory cannot.
    bool truncate(int sequence, int position);
    void clear(int sequence);
    /// Makes the empty sequence `to` equal to `from`, without using memory.
    void fork(int from, int to);

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
    std::vector<std::int32_t> positions_;
    std::vector<std::int32_t> sequence_counts_;
    std::vector<std::int8_t> outputs_;
};

}  // namespace titans::engine
