#include "engine/llama/llama_context.h"

#include <llama.h>

#include <algorithm>
#include <cassert>

#include "engine/ggml/backends.h"

namespace titans::engine {

Result<std::unique_ptr<LlamaContext>> LlamaContext::open(std::shared_ptr<const LlamaModel> model,
                                                         Options options) {
    options.context_length = std::max(options.context_length, 16);
    options.batch_size = std::clamp(options.batch_size, 1, options.context_length);
    options.threads = std::max(options.threads, 1);
    options.sequences =
        std::clamp(options.sequences, 1, static_cast<int>(llama_max_parallel_sequences()));
    auto opened = std::unique_ptr<LlamaContext>(new LlamaContext(std::move(model), options));

    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(options.context_length);
    parameters.n_batch = static_cast<std::uint32_t>(options.batch_size);
    parameters.n_ubatch = parameters.n_batch;
    parameters.n_seq_max = static_cast<std::uint32_t>(options.sequences);
    parameters.n_outputs_max = parameters.n_seq_max;  // fewer is an assertion of libllama
    parameters.n_threads = options.threads;
    parameters.n_threads_batch = options.threads;
    parameters.kv_unified = true;
    parameters.no_perf = true;
    parameters.abort_callback_data = opened.get();
    parameters.abort_callback = [](void* context) noexcept {
        return static_cast<LlamaContext*>(context)->stop_.stop_requested();
    };
    const LibraryWords words;
    opened->context_ = llama_init_from_model(opened->model_->handle(), parameters);
    if (opened->context_ == nullptr) {
        return fail(ErrorKind::Internal, "the model cannot be made ready", words.text());
    }
    opened->options_.context_length = static_cast<int>(llama_n_ctx(opened->context_));
    opened->options_.batch_size = static_cast<int>(llama_n_batch(opened->context_));
    const auto batch_size = static_cast<std::size_t>(opened->options_.batch_size);
    opened->positions_.resize(batch_size);
    opened->sequence_counts_.assign(batch_size, 1);
    opened->outputs_.resize(batch_size);
    return opened;
}

LlamaContext::~LlamaContext() {
    if (context_ != nullptr) llama_free(context_);
}

LlamaContext::Outcome LlamaContext::decode(int sequence, int position,
                                           std::span<const Token> tokens,
                                           const std::stop_token& stop) {
    assert(sequence >= 0 && sequence < options_.sequences);
    assert(!tokens.empty() && tokens.size() <= positions_.size());
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        positions_[i] = position + static_cast<int>(i);
        outputs_[i] = 0;
    }
    outputs_[tokens.size() - 1] = 1;
    std::vector<std::int32_t*> sequences(tokens.size(), &sequence);
    // libllama does not write to the batch.
    const llama_batch batch{.n_tokens = static_cast<std::int32_t>(tokens.size()),
                            .token = const_cast<Token*>(tokens.data()),
                            .embd = nullptr,
                            .pos = positions_.data(),
                            .n_seq_id = sequence_counts_.data(),
                            .seq_id = sequences.data(),
                            .logits = outputs_.data()};
    stop_ = stop;
    const int status = llama_decode(context_, batch);
    stop_ = {};
    switch (status) {
        case 0:
            return Outcome::Done;
        case 1:
            return Outcome::Full;
        case 2:
            return Outcome::Stopped;
        default:
            return Outcome::Failed;
    }
}

int LlamaContext::length(int sequence) const {
    return llama_memory_seq_pos_max(llama_get_memory(context_), sequence) + 1;
}

bool LlamaContext::truncate(int sequence, int position) {
    return llama_memory_seq_rm(llama_get_memory(context_), sequence, position, -1);
}

void LlamaContext::clear(int sequence) {
    llama_memory_seq_rm(llama_get_memory(context_), sequence, -1, -1);
}

void LlamaContext::fork(int from, int to) {
    assert(from != to);
    llama_memory_seq_cp(llama_get_memory(context_), from, to, -1, -1);
}

}  // namespace titans::engine
