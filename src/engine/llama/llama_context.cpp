#include "engine/llama/llama_context.h"

#include <llama.h>

#include <algorithm>
#include <cassert>

#include "engine/ggml/backends.h"

namespace titans::engine {

Result<std::unique_ptr<LlamaContext>> LlamaContext::open(std::shared_ptr<const LlamaModel> model,
                                                         Options options) {
    options.context_length = std::max(options.context_length, 16);
    options.texts = std::clamp(options.texts, 1, static_cast<int>(llama_max_parallel_sequences()));
    options.batch_size = std::clamp(options.batch_size, options.texts, options.context_length);
    options.threads = std::max(options.threads, 1);
    auto opened = std::unique_ptr<LlamaContext>(new LlamaContext(std::move(model), options));

    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(options.context_length);
    parameters.n_batch = static_cast<std::uint32_t>(options.batch_size);
    parameters.n_ubatch = parameters.n_batch;
    parameters.n_seq_max = static_cast<std::uint32_t>(options.texts);
    parameters.n_outputs_max = parameters.n_seq_max;
    parameters.kv_unified = true;
    parameters.n_threads = options.threads;
    parameters.n_threads_batch = options.threads;
    parameters.no_perf = true;
    parameters.abort_callback_data = opened.get();
    parameters.abort_callback = [](void* context) noexcept {
        const std::span<const Reading> readings = static_cast<LlamaContext*>(context)->readings_;
        return !readings.empty() && std::ranges::all_of(readings, [](const Reading& reading) {
            return reading.stop.stop_requested();
        });
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

LlamaContext::Outcome LlamaContext::decode(std::span<const Reading> readings) {
    assert(!readings.empty());
    std::vector<Token> tokens;
    std::vector<std::int32_t> positions;
    std::vector<std::int32_t> texts;
    std::vector<std::int8_t> outputs;
    for (const Reading& reading : readings) {
        assert(!reading.tokens.empty() && reading.text < options_.texts);
        int position = length(reading.text);
        for (const Token token : reading.tokens) {
            tokens.push_back(token);
            positions.push_back(position++);
            texts.push_back(reading.text);
            outputs.push_back(0);
        }
        outputs.back() = 1;
    }
    assert(std::cmp_less_equal(tokens.size(), options_.batch_size));
    std::vector<std::int32_t*> text_pointers;
    for (std::int32_t& text : texts) text_pointers.push_back(&text);
    std::vector<std::int32_t> text_counts(tokens.size(), 1);
    const llama_batch batch{.n_tokens = static_cast<std::int32_t>(tokens.size()),
                            .token = tokens.data(),
                            .embd = nullptr,
                            .pos = positions.data(),
                            .n_seq_id = text_counts.data(),
                            .seq_id = text_pointers.data(),
                            .logits = outputs.data()};
    readings_ = readings;
    const int status = llama_decode(context_, batch);
    readings_ = {};
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

int LlamaContext::length(int text) const {
    return llama_memory_seq_pos_max(llama_get_memory(context_), text) + 1;
}

bool LlamaContext::truncate(int text, int length) {
    return llama_memory_seq_rm(llama_get_memory(context_), text, length, -1);
}

void LlamaContext::clear(int text) {
    llama_memory_seq_rm(llama_get_memory(context_), text, -1, -1);
}

bool LlamaContext::copy(int from, int to, int length) {
    clear(to);
    if (!model_->memory_can_be_cut()) return false;
    llama_memory_seq_cp(llama_get_memory(context_), from, to, 0, length);
    return true;
}

std::vector<std::uint8_t> LlamaContext::save(int text) const {
    std::vector<std::uint8_t> saved(llama_state_seq_get_size(context_, text));
    saved.resize(llama_state_seq_get_data(context_, saved.data(), saved.size(), text));
    return saved;
}

bool LlamaContext::restore(int text, std::span<const std::uint8_t> saved) {
    clear(text);
    if (llama_state_seq_set_data(context_, saved.data(), saved.size(), text) != 0) return true;
    clear(text);
    return false;
}

}  // namespace titans::engine
