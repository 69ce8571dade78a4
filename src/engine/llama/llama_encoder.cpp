#include "engine/llama/llama_encoder.h"

#include <llama.h>

#include <algorithm>
#include <cassert>

#include "engine/ggml/backends.h"

namespace titans::engine {
namespace {

constexpr int kMostTexts = 64;

}  // namespace

Result<std::unique_ptr<LlamaEncoder>> LlamaEncoder::open(std::shared_ptr<const LlamaModel> model,
                                                         Options options) {
    if (model->trained_context() > 0)
        options.text_length = std::min(options.text_length, model->trained_context());
    options.text_length = std::max(options.text_length, 2);
    options.batch_size = std::max(options.batch_size, options.text_length);
    options.threads = std::max(options.threads, 1);
    auto opened = std::unique_ptr<LlamaEncoder>(new LlamaEncoder(std::move(model), options));

    llama_context_params parameters = llama_context_default_params();
    parameters.n_ctx = static_cast<std::uint32_t>(options.batch_size);
    parameters.n_batch = parameters.n_ctx;
    parameters.n_ubatch = parameters.n_ctx;  // an encoder sees a text as a whole
    parameters.n_seq_max = static_cast<std::uint32_t>(opened->most_texts());
    parameters.n_threads = options.threads;
    parameters.n_threads_batch = options.threads;
    parameters.embeddings = true;
    parameters.kv_unified = true;
    parameters.no_perf = true;
    parameters.abort_callback_data = opened.get();
    parameters.abort_callback = [](void* encoder) noexcept {
        return static_cast<LlamaEncoder*>(encoder)->stop_.stop_requested();
    };
    const LibraryWords words;
    opened->context_ = llama_init_from_model(opened->model_->handle(), parameters);
    if (opened->context_ == nullptr)
        return fail(ErrorKind::Internal, "the model cannot be made ready", words.text());
    const auto pooling = llama_pooling_type(opened->context_);
    if (pooling != LLAMA_POOLING_TYPE_MEAN && pooling != LLAMA_POOLING_TYPE_CLS &&
        pooling != LLAMA_POOLING_TYPE_LAST) {
        return fail(ErrorKind::Unsupported, "the model is not one that makes vectors of texts");
    }
    return opened;
}

LlamaEncoder::~LlamaEncoder() {
    if (context_ != nullptr) llama_free(context_);
}

int LlamaEncoder::most_texts() const {
    return std::min(
        {kMostTexts, options_.batch_size, static_cast<int>(llama_max_parallel_sequences())});
}

Result<std::vector<std::vector<float>>> LlamaEncoder::encode(
    std::span<const std::span<const Token>> texts, const std::stop_token& stop) {
    assert(!texts.empty() && std::cmp_less_equal(texts.size(), most_texts()));
    std::vector<Token> tokens;
    std::vector<std::int32_t> positions;
    std::vector<std::int32_t> sequences;
    for (std::size_t text = 0; text < texts.size(); ++text) {
        assert(!texts[text].empty() &&
               std::cmp_less_equal(texts[text].size(), options_.text_length));
        for (std::size_t i = 0; i < texts[text].size(); ++i) {
            tokens.push_back(texts[text][i]);
            positions.push_back(static_cast<int>(i));
            sequences.push_back(static_cast<int>(text));
        }
    }
    assert(std::cmp_less_equal(tokens.size(), options_.batch_size));
    std::vector<std::int32_t*> sequence_pointers;
    for (std::int32_t& sequence : sequences) sequence_pointers.push_back(&sequence);
    std::vector<std::int32_t> sequence_counts(tokens.size(), 1);
    std::vector<std::int8_t> outputs(tokens.size(), 1);
    const llama_batch batch{.n_tokens = static_cast<std::int32_t>(tokens.size()),
                            .token = tokens.data(),
                            .embd = nullptr,
                            .pos = positions.data(),
                            .n_seq_id = sequence_counts.data(),
                            .seq_id = sequence_pointers.data(),
                            .logits = outputs.data()};
    stop_ = stop;
    const int status =
        llama_model_has_decoder(model_->handle()) && llama_get_memory(context_) != nullptr
            ? (llama_memory_clear(llama_get_memory(context_), false), llama_decode(context_, batch))
            : llama_encode(context_, batch);
    stop_ = {};
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the embedding was stopped");
    if (status != 0) return fail(ErrorKind::Internal, "the embedding model failed");
    std::vector<std::vector<float>> vectors;
    for (std::size_t text = 0; text < texts.size(); ++text) {
        const float* vector = llama_get_embeddings_seq(context_, static_cast<int>(text));
        if (vector == nullptr) return fail(ErrorKind::Internal, "the embedding model failed");
        vectors.emplace_back(vector, vector + model_->embedding_size());
    }
    return vectors;
}

}  // namespace titans::engine
