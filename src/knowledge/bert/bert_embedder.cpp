#include "knowledge/bert/bert_embedder.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <format>
#include <numeric>

namespace titans::knowledge::bert {
namespace {

constexpr int kBatchTokens = 1024;  // what a question may have to wait for
constexpr int kLengthStep = 8;      // of padded texts, so that their shapes are few
constexpr std::size_t kMostDrawn = 32;
constexpr int kDrawnTokens = 6 * kBatchTokens;  // of all graphs that are kept: a few KB each

/// What the makers of models write before texts, where their files do not say it.
Prompts known_prompts(std::string_view model) {
    if (model.starts_with("e5-")) return {.query = "query: ", .passage = "passage: "};
    if (model.starts_with("bge-") && model.contains("-en")) {
        return {.query = "Represent this sentence for searching relevant passages: "};
    }
    return {};
}

Result<Prompts> read_prompts(const engine::GgufFile& file, std::string_view model) {
    Prompts prompts = known_prompts(model);
    if (file.has("bert.prompt.query")) {
        TITANS_TRY(prompts.query, file.text("bert.prompt.query"));
    }
    if (file.has("bert.prompt.passage")) {
        TITANS_TRY(prompts.passage, file.text("bert.prompt.passage"));
    }
    return prompts;
}

Result<Pooling> read_pooling(const engine::GgufFile& file) {
    TITANS_TRY(const std::string word, file.text("bert.pooling"));
    if (word == "mean") return Pooling::Mean;
    if (word == "cls") return Pooling::FirstToken;
    return fail(ErrorKind::Unsupported, "the model file has a bert.pooling that is not supported");
}

Result<text::WordPiece> read_pieces(const engine::GgufFile& file) {
    text::WordPiece::Options options;
    TITANS_TRY(options.lower_case, file.flag("bert.do_lower_case"));
    TITANS_TRY(options.strip_accents, file.flag("bert.strip_accents"));
    TITANS_TRY(options.split_ideographs, file.flag("bert.tokenize_chinese_chars"));
    TITANS_TRY(const std::vector<std::string> tokens, file.texts("tokenizer.tokens"));
    TITANS_TRY(const std::int64_t rows, file.integer("bert.vocab_size"));
    if (std::cmp_greater(tokens.size(), rows)) {
        return fail(ErrorKind::Unsupported,
                    "the model file has more tokenizer.tokens than the network knows");
    }
    return text::WordPiece::open(tokens, options);
}

void normalise(Embedding& vector) {
    const double length =
        std::sqrt(std::inner_product(vector.begin(), vector.end(), vector.begin(), 0.0));
    if (length == 0) return;
    for (float& value : vector) value = static_cast<float>(value / length);
}

int padded(std::size_t length) {
    return static_cast<int>((length + kLengthStep - 1) / kLengthStep) * kLengthStep;
}

}  // namespace

Result<std::unique_ptr<BertEmbedder>> BertEmbedder::load(const std::filesystem::path& file,
                                                         std::string name,
                                                         const engine::Compute& compute) {
    TITANS_TRY(engine::GgufFile opened, engine::GgufFile::open(file));
    const auto facts = std::make_shared<const engine::GgufFile>(std::move(opened));
    if (facts->text("general.architecture").value_or("") != "bert" ||
        facts->integer("titans.format").value_or(0) != 1) {
        return fail(ErrorKind::Unsupported, "the model file is not of a converted BERT");
    }
    engine::Compute used = compute;
    // Vectors in bytes are too far (cosine 0.99) from those that were stored in other precisions.
    if (used.precision == engine::Precision::Int8) used.precision = engine::native_precision();
    TITANS_TRY(Network network, Network::load(facts, used));
    TITANS_TRY(text::WordPiece pieces, read_pieces(*facts));
    TITANS_TRY(const std::int64_t longest, facts->integer("bert.max_seq_length"));
    if (longest < 3 || longest > network.config().positions) {
        return fail(ErrorKind::Unsupported,
                    "the model file has a bert.max_seq_length that is not supported");
    }
    std::unique_ptr<BertEmbedder> made(
        new BertEmbedder(std::move(name), std::move(network), std::move(pieces)));
    made->longest_ = static_cast<std::size_t>(longest);
    TITANS_TRY(made->pooling_, read_pooling(*facts));
    TITANS_TRY(made->prompts_, read_prompts(*facts, made->name_));
    return made;
}

std::vector<std::int32_t> BertEmbedder::tokens(std::string_view text) const {
    return pieces_.encode(text, longest_);
}

Result<std::vector<Embedding>> BertEmbedder::embed(std::span<const std::string> texts,
                                                   TextRole role, std::stop_token stop) {
    const std::string& prompt = role == TextRole::Query ? prompts_.query : prompts_.passage;
    Tokens all;
    all.reserve(texts.size());
    for (const std::string& text : texts) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "the embedding was stopped");
        all.push_back(tokens(prompt.empty() ? text : prompt + text));
    }
    // Texts of like length together: little of a batch is padding then.
    std::vector<std::size_t> order(texts.size());
    std::ranges::iota(order, std::size_t{0});
    std::ranges::stable_sort(order, std::greater(), [&](std::size_t i) { return all[i].size(); });
    std::vector<Embedding> embeddings(texts.size());
    for (std::span<const std::size_t> rest = order; !rest.empty();) {
        const Batch batch = next_batch(all, rest);
        TITANS_TRY_VOID(compute(batch, all, embeddings, stop));
        rest = rest.subspan(batch.places.size());
    }
    return embeddings;
}

/// The longest texts, as many as fit: a power of two, so that shapes are few.
BertEmbedder::Batch BertEmbedder::next_batch(const Tokens& tokens,
                                             std::span<const std::size_t> places) const {
    const auto length_of = [&](std::size_t place) { return tokens[place].size(); };
    const int length = std::min(padded(length_of(places.front())), network_.config().positions);
    std::size_t count =
        std::bit_floor(std::clamp<std::size_t>(kBatchTokens / length, 1, places.size()));
    // What is half as long as the first would be mostly padding.
    while (count > 1 && 2 * length_of(places[count - 1]) < length_of(places.front())) count /= 2;
    return {.shape = {.texts = static_cast<int>(count), .length = length},
            .places = places.first(count)};
}

Result<void> BertEmbedder::compute(const Batch& batch, const Tokens& tokens,
                                   std::vector<Embedding>& embeddings,
                                   const std::stop_token& stop) {
    TITANS_TRY(Drawn* const drawn, this->drawn(batch.shape));
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> lengths;
    ids.reserve(static_cast<std::size_t>(batch.shape.tokens()));
    for (const std::size_t place : batch.places) {
        ids.insert(ids.end(), tokens[place].begin(), tokens[place].end());
        lengths.push_back(static_cast<std::int32_t>(tokens[place].size()));
        ids.resize(lengths.size() * static_cast<std::size_t>(batch.shape.length),
                   pieces_.padding());
    }
    drawn->graph->write(drawn->nodes.ids, ids);
    drawn->graph->write(drawn->nodes.lengths, lengths);
    TITANS_TRY_VOID(drawn->graph->compute(stop));
    const std::vector<float> out = drawn->graph->read(drawn->nodes.out);
    const auto width = static_cast<std::size_t>(network_.config().width);
    std::span<const float> rest = out;
    for (const std::size_t place : batch.places) {
        embeddings[place] = pool(rest.first(tokens[place].size() * width));
        rest = rest.subspan(static_cast<std::size_t>(batch.shape.length) * width);
    }
    return {};
}

/// rows: of a text's tokens, [tokens, width].
Embedding BertEmbedder::pool(std::span<const float> rows) const {
    const auto width = static_cast<std::size_t>(network_.config().width);
    Embedding vector(rows.begin(), rows.begin() + static_cast<std::ptrdiff_t>(width));
    if (pooling_ == Pooling::Mean) {  // their sum points as their mean does
        for (rows = rows.subspan(width); !rows.empty(); rows = rows.subspan(width)) {
            for (std::size_t i = 0; i < width; ++i) vector[i] += rows[i];
        }
    }
    normalise(vector);
    return vector;
}

/// The graph of that shape, new or used before.
Result<BertEmbedder::Drawn*> BertEmbedder::drawn(const Network::Shape& shape) {
    const auto found = std::ranges::find(drawn_, shape, &Drawn::shape);
    if (found != drawn_.end()) {
        drawn_.splice(drawn_.begin(), drawn_, found);
        return &drawn_.front();
    }
    const auto kept_tokens = [this] {
        return std::ranges::fold_left(
            drawn_, 0, [](int sum, const Drawn& drawn) { return sum + drawn.shape.tokens(); });
    };
    while (!drawn_.empty() &&
           (drawn_.size() >= kMostDrawn || kept_tokens() + shape.tokens() > kDrawnTokens)) {
        drawn_.pop_back();
    }
    Drawn made{.shape = shape};
    TITANS_TRY(made.graph,
               engine::Graph::build(network_.device(), [&](engine::GraphBuilder& graph) {
                   made.nodes = network_.draw(graph, shape);
               }));
    drawn_.push_front(std::move(made));
    return &drawn_.front();
}

}  // namespace titans::knowledge::bert
