#include "knowledge/llama_embedder.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace titans::knowledge {
namespace {

void normalise(Embedding& vector) {
    const float length =
        std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0F));
    if (length == 0) return;
    for (float& value : vector) value /= length;
}

}  // namespace

Result<std::unique_ptr<LlamaEmbedder>> LlamaEmbedder::load(const std::filesystem::path& file,
                                                           std::string name, int threads) {
    TITANS_TRY(auto model, engine::LlamaModel::load(file, {}));
    TITANS_TRY(auto encoder, engine::LlamaEncoder::open(std::move(model), {.threads = threads}));
    return std::unique_ptr<LlamaEmbedder>(new LlamaEmbedder(std::move(name), std::move(encoder)));
}

Result<std::vector<Embedding>> LlamaEmbedder::embed(std::span<const std::string> texts,
                                                    TextRole /*role*/, std::stop_token stop) {
    const auto longest = static_cast<std::size_t>(encoder_->options().text_length);
    const auto batch_size = static_cast<std::size_t>(encoder_->options().batch_size);
    const auto most_texts = static_cast<std::size_t>(encoder_->most_texts());

    std::vector<Embedding> embeddings(texts.size());
    std::vector<std::vector<engine::Token>> batch;
    std::size_t batch_tokens = 0;
    std::size_t done = 0;
    const auto encode_batch = [&]() -> Result<void> {
        const std::vector<std::span<const engine::Token>> views(batch.begin(), batch.end());
        TITANS_TRY(auto vectors, encoder_->encode(views, stop));
        for (Embedding& vector : vectors) {
            normalise(vector);
            embeddings[done++] = std::move(vector);
        }
        batch.clear();
        batch_tokens = 0;
        return {};
    };
    for (const std::string& text : texts) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the embedding was stopped");
        TITANS_TRY(std::vector<engine::Token> tokens,
                   encoder_->model().tokenize_with_specials(text));
        if (tokens.empty())
            return fail(ErrorKind::Internal, "the embedding model reads nothing in a text");
        if (tokens.size() > longest) {
            tokens[longest - 1] = tokens.back();  // the model's own end mark
            tokens.resize(longest);
        }
        if (!batch.empty() &&
            (batch_tokens + tokens.size() > batch_size || batch.size() == most_texts)) {
            TITANS_TRY_VOID(encode_batch());
        }
        batch_tokens += tokens.size();
        batch.push_back(std::move(tokens));
    }
    if (!batch.empty()) TITANS_TRY_VOID(encode_batch());
    return embeddings;
}

}  // namespace titans::knowledge
