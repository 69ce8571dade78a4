#include "engine/llama/llama_sampler.h"

#include <llama.h>

namespace titans::engine {

LlamaSampler::LlamaSampler(const LlamaModel& model, const Options& options)
    : chain_(llama_sampler_chain_init({.no_perf = true})) {
    constexpr int kPenalisedTokens = 64;
    const auto add = [this](llama_sampler* sampler) { llama_sampler_chain_add(chain_, sampler); };
    if (options.repeat_penalty != 1.0F) {
        add(llama_sampler_init_penalties(model.vocabulary_size(), kPenalisedTokens,
                                         options.repeat_penalty, 0, 0));
    }
    if (options.temperature <= 0) {
        add(llama_sampler_init_greedy());
        return;
    }
    add(llama_sampler_init_top_k(options.top_k));
    add(llama_sampler_init_top_p(options.top_p, 1));
    add(llama_sampler_init_min_p(options.min_p, 1));
    add(llama_sampler_init_temp(options.temperature));
    add(llama_sampler_init_dist(options.seed));
}

LlamaSampler::~LlamaSampler() { llama_sampler_free(chain_); }

Token LlamaSampler::pick(LlamaContext& context, int row) {
    return llama_sampler_sample(chain_, context.handle(), row);
}

}  // namespace titans::engine
