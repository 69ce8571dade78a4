#pragma once

#include <cstdint>

#include "engine/llama/llama_context.h"

struct llama_sampler;

namespace titans::engine {

/// Picks the next token from the scores that a LlamaContext computed.
class LlamaSampler {
public:
    struct Options {
        float temperature =
            0;  // 0: always the likeliest, and of the rest only repeat_penalty counts
        float top_p = 1;
        int top_k = 0;  // 0: all
        float min_p = 0;
        float repeat_penalty = 1;  // on the last 64 tokens that were picked; positive
        std::uint32_t seed = 0;
    };

    LlamaSampler(const LlamaModel& model, const Options& options);
    LlamaSampler(const LlamaSampler&) = delete;
    LlamaSampler& operator=(const LlamaSampler&) = delete;
    ~LlamaSampler();

    /// From the scores after the batch's token `row`, the last one of a reading. After a decode()
    /// that was Done, once.
    Token pick(LlamaContext& context, int row);

private:
    llama_sampler* chain_;
};

}  // namespace titans::engine
