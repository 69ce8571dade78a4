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
    auto opened = std::unique_ptr<LlamaContext>(new LlamaContext(std::move(model), options));

    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(options.context_length);
    parameters.n_batch = static_cast<std::uint32_t>(options.batch_size);
    parameters.n_ubatch = parameters.n_batch;
    parameters.n_outputs_max = 1;
    parameters.n_threads = options.threads;
    parameters.n_threads_batch = options.threads;
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
    return opened;
}

LlamaContext::~LlamaContext() {
    if (context_ != nullptr) llama_free(context_);
}

LlamaContext::Outcome LlamaContext::decode(std::span<const Token> tokens,
                                           const std::stop_token& stop) {
    assert(!tokens.empty() && std::cmp_less_equal(tokens.size(), options_.batch_size));
    // libllama does not write to the tokens.
    const llama_batch batch = llama_batch_get_one(const_cast<Token*>(tokens.data()),
                                                  static_cast<std::int32_t>(tokens.size()));
    stop_ = stop;
    const int status = llama_decode(context_, batch);
    stop_ = {};
    constexpr int kAborted = 2;
    return status == 0 ? Outcome::Done : status == kAborted ? Outcome::Stopped : Outcome::Failed;
}

int LlamaContext::length() const {
    return llama_memory_seq_pos_max(llama_get_memory(context_), 0) + 1;
}

bool LlamaContext::truncate(int length) {
    return llama_memory_seq_rm(llama_get_memory(context_), 0, length, -1);
}

void LlamaContext::clear() { llama_memory_clear(llama_get_memory(context_), false); }

std::vector<std::uint8_t> LlamaContext::save() const {
    std::vector<std::uint8_t> saved(llama_state_seq_get_size(context_, 0));
    saved.resize(llama_state_seq_get_data(context_, saved.data(), saved.size(), 0));
    return saved;
}

bool LlamaContext::restore(std::span<const std::uint8_t> saved) {
    clear();
    if (llama_state_seq_set_data(context_, saved.data(), saved.size(), 0) != 0) return true;
    clear();
    return false;
}

}  // namespace titans::engine
