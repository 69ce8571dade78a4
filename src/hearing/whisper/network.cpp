#include "hearing/whisper/network.h"

#include <ggml.h>

#include <bit>
#include <cassert>
#include <cmath>
#include <format>
#include <numeric>
#include <utility>

namespace titans::hearing::whisper {
namespace {

using engine::Activation;
using engine::Bias;
using engine::GraphBuilder;
using engine::Node;

constexpr float kEpsilon = 1e-5F;
/// Of how many lengths the graphs are kept; a graph of the longest window needs about 30 MB.
constexpr std::size_t kMostWindows = 4;
/// As many tokens are read at once, whatever their number; of more, pieces.
constexpr std::size_t kMostAtOnce = 8;
constexpr std::size_t kLongestPiece = 64;

void to(const engine::StageSink& stage, std::string_view name, Node value) {
    if (stage) stage(name, value);
}

std::unexpected<Error> wrong(std::string_view key) {
    return fail(ErrorKind::Unsupported,
                std::format("the model file says {} of a size that is not supported", key));
}

}  // namespace

Network::Network(std::shared_ptr<const engine::GgufFile> file, const engine::Compute& compute)
    : compute_(compute), weights_(std::move(file), *compute.device, compute.precision) {}

Result<std::unique_ptr<Network>> Network::load(std::shared_ptr<const engine::GgufFile> file,
                                               const engine::Compute& compute) {
    std::unique_ptr<Network> network(new Network(std::move(file), compute));
    TITANS_TRY_VOID(network->load_sizes());
    TITANS_TRY_VOID(network->load_layers());
    TITANS_TRY_VOID(network->weights_.finish());
    const NetworkSizes& sizes = network->sizes_;
    TITANS_TRY(network->heard_,
               engine::KvCache::open(*compute.device, {.layers = sizes.decoder_layers,
                                                       .sequences = 1,
                                                       .capacity = sizes.positions,
                                                       .width = sizes.width,
                                                       .precision = compute.precision}));
    TITANS_TRY(network->said_,
               engine::KvCache::open(*compute.device, {.layers = sizes.decoder_layers,
                                                       .sequences = 1,
                                                       .capacity = sizes.tokens,
                                                       .width = sizes.width,
                                                       .precision = compute.precision}));
    return network;
}

Result<void> Network::load_sizes() {
    const engine::GgufFile& file = weights_.file();
    TITANS_TRY(const std::string architecture, file.text("general.architecture"));
    if (architecture != "whisper")
        return fail(ErrorKind::Unsupported, "the model file is of another kind than Whisper");
    const auto read = [&](std::string_view key, int most, int& value) -> Result<void> {
        TITANS_TRY(const std::int64_t found, file.integer(std::format("whisper.{}", key)));
        if (found < 1 || found > most) return wrong(key);
        value = static_cast<int>(found);
        return {};
    };
    TITANS_TRY_VOID(read("vocab_size", 1 << 20, sizes_.vocabulary));
    TITANS_TRY_VOID(read("num_mel_bins", 256, sizes_.mels));
    TITANS_TRY_VOID(read("d_model", 1 << 14, sizes_.width));
    TITANS_TRY_VOID(read("encoder_layers", 64, sizes_.encoder_layers));
    TITANS_TRY_VOID(read("decoder_layers", 64, sizes_.decoder_layers));
    TITANS_TRY_VOID(read("encoder_attention_heads", 256, sizes_.encoder_heads));
    TITANS_TRY_VOID(read("decoder_attention_heads", 256, sizes_.decoder_heads));
    TITANS_TRY_VOID(read("encoder_ffn_dim", 1 << 16, sizes_.encoder_hidden));
    TITANS_TRY_VOID(read("decoder_ffn_dim", 1 << 16, sizes_.decoder_hidden));
    TITANS_TRY_VOID(read("max_source_positions", 1 << 14, sizes_.positions));
    TITANS_TRY_VOID(read("max_target_positions", 1 << 14, sizes_.tokens));
    if (sizes_.width % sizes_.encoder_heads != 0) return wrong("encoder_attention_heads");
    if (sizes_.width % sizes_.decoder_heads != 0) return wrong("decoder_attention_heads");
    return {};
}

Result<Network::Attention> Network::load_attention(const std::string& name,
                                                   const std::string& norm) {
    const int width = sizes_.width;
    Attention attention;
    TITANS_TRY(attention.norm, weights_.norm(norm, width, kEpsilon));
    // Keys have no bias: it would move all scores of a query alike.
    TITANS_TRY(attention.in,
               weights_.joined_linear({name + ".q_proj", name + ".k_proj", name + ".v_proj"}, width,
                                      width, {Bias::Yes, Bias::No, Bias::Yes}));
    TITANS_TRY(attention.out, weights_.linear(name + ".out_proj", width, width));
    return attention;
}

Result<Network::FeedForward> Network::load_feed_forward(const std::string& name, int hidden) {
    FeedForward layer;
    TITANS_TRY(layer.norm, weights_.norm(name + ".final_layer_norm", sizes_.width, kEpsilon));
    TITANS_TRY(layer.in, weights_.linear(name + ".fc1", sizes_.width, hidden));
    TITANS_TRY(layer.out, weights_.linear(name + ".fc2", hidden, sizes_.width));
    return layer;
}

Result<void> Network::load_layers() {
    const int width = sizes_.width;
    TITANS_TRY(conv1_,
               weights_.conv1d(
                   "encoder.conv1",
                   {.in = sizes_.mels, .out = width, .kernel = 3, .pad_left = 1, .pad_right = 1},
                   Bias::Yes));
    TITANS_TRY(
        conv2_,
        weights_.conv1d(
            "encoder.conv2",
            {.in = width, .out = width, .kernel = 3, .stride = 2, .pad_left = 1, .pad_right = 1},
            Bias::Yes));
    TITANS_TRY(encoder_positions_,
               weights_.tensor("encoder.embed_positions.weight", {sizes_.positions, width}));
    for (int i = 0; i < sizes_.encoder_layers; ++i) {
        const std::string name = std::format("encoder.layers.{}", i);
        EncoderLayer layer;
        TITANS_TRY(layer.attention,
                   load_attention(name + ".self_attn", name + ".self_attn_layer_norm"));
        TITANS_TRY(layer.feed_forward, load_feed_forward(name, sizes_.encoder_hidden));
        encoder_.push_back(layer);
    }
    TITANS_TRY(encoder_norm_, weights_.norm("encoder.layer_norm", width, kEpsilon));

    TITANS_TRY(words_, weights_.embedding("decoder.embed_tokens.weight", sizes_.vocabulary, width));
    TITANS_TRY(places_, weights_.embedding("decoder.embed_positions.weight", sizes_.tokens, width));
    for (int i = 0; i < sizes_.decoder_layers; ++i) {
        const std::string name = std::format("decoder.layers.{}", i);
        const std::string window = name + ".encoder_attn";
        DecoderLayer layer;
        TITANS_TRY(layer.attention,
                   load_attention(name + ".self_attn", name + ".self_attn_layer_norm"));
        TITANS_TRY(layer.window.norm, weights_.norm(window + "_layer_norm", width, kEpsilon));
        TITANS_TRY(layer.window.in, weights_.linear(window + ".q_proj", width, width));
        TITANS_TRY(layer.window.out, weights_.linear(window + ".out_proj", width, width));
        TITANS_TRY(layer.window_values,
                   weights_.joined_linear({window + ".k_proj", window + ".v_proj"}, width, width,
                                          {Bias::No, Bias::Yes}));
        TITANS_TRY(layer.feed_forward, load_feed_forward(name, sizes_.decoder_hidden));
        decoder_.push_back(layer);
    }
    TITANS_TRY(decoder_norm_, weights_.norm("decoder.layer_norm", width, kEpsilon));
    TITANS_TRY(logits_,
               weights_.tied_linear("decoder.embed_tokens.weight", width, sizes_.vocabulary));
    return {};
}

// The graphs

Node Network::draw_feed_forward(GraphBuilder& g, Node x, const FeedForward& layer) const {
    Node hidden =
        g.linear(g.layer_norm(x, layer.norm), layer.in, {.activation = Activation::GeluErf});
    return g.linear(hidden, layer.out, {.add = x});
}

/// mel: [2 x positions, mels]. Returns [positions, width].
Node Network::draw_encoder(GraphBuilder& g, Node mel, const engine::StageSink& stage) const {
    const int width = sizes_.width;
    Node x = g.conv1d(mel, conv1_, Activation::GeluErf);
    to(stage, "encoder.conv1", x);
    x = g.conv1d(x, conv2_, Activation::GeluErf);
    to(stage, "encoder.conv2", x);
    x = g.add(x, g.rows(encoder_positions_, 0, x->ne[1]));
    to(stage, "encoder.position", x);
    for (int i = 0; const EncoderLayer& layer : encoder_) {
        Node joined = g.linear(g.layer_norm(x, layer.attention.norm), layer.attention.in);
        Node mixed =
            g.attention(g.columns(joined, 0, width), g.columns(joined, width, width),
                        g.columns(joined, 2 * width, width), {.heads = sizes_.encoder_heads});
        x = g.linear(mixed, layer.attention.out, {.add = x});
        x = draw_feed_forward(g, x, layer.feed_forward);
        to(stage, std::format("encoder.block.{}", ++i), x);
    }
    x = g.layer_norm(x, encoder_norm_);
    to(stage, "encoder.norm", x);
    for (int i = 0; i < sizes_.decoder_layers; ++i) {
        Node joined = g.linear(x, decoder_[static_cast<std::size_t>(i)].window_values);
        g.keep(g.columns(joined, 0, width), heard_->keys(i));
        g.keep(g.columns(joined, width, width), heard_->values(i));
    }
    return x;
}

Network::DecoderInputs Network::draw_inputs(GraphBuilder& g, std::int64_t rows) {
    return {.tokens = g.integer_input(rows),
            .places = g.integer_input(rows),
            .position = g.integer_input(1)};
}

Node Network::draw_decoder(GraphBuilder& g, const DecoderInputs& in, const engine::KvCache& cache,
                           const engine::StageSink& stage) const {
    const int width = sizes_.width;
    const std::int64_t heard = windows_.front()->positions;
    Node x = g.add(g.embedding(in.tokens, words_), g.embedding(in.places, places_));
    to(stage, "decoder.embedding", x);
    for (int i = 0; i < sizes_.decoder_layers; ++i) {
        const DecoderLayer& layer = decoder_[static_cast<std::size_t>(i)];
        Node joined = g.linear(g.layer_norm(x, layer.attention.norm), layer.attention.in);
        Node mixed = g.cached_attention(
            g.columns(joined, 0, width), g.columns(joined, width, width),
            g.columns(joined, 2 * width, width), cache, i, in.position, sizes_.decoder_heads);
        x = g.linear(mixed, layer.attention.out, {.add = x});
        // The hypotheses hear the same: to this layer their tokens are one sequence.
        Node queries = g.linear(g.layer_norm(x, layer.window.norm), layer.window.in);
        to(stage, std::format("queries.{}", i), queries);
        mixed = g.attention(queries, g.rows(heard_->keys(i), 0, heard),
                            g.rows(heard_->values(i), 0, heard), {.heads = sizes_.decoder_heads});
        x = g.linear(mixed, layer.window.out, {.add = x});
        x = draw_feed_forward(g, x, layer.feed_forward);
        to(stage, std::format("decoder.block.{}", i + 1), x);
    }
    x = g.layer_norm(x, decoder_norm_);
    to(stage, "decoder.norm", x);
    return x;
}

Node Network::draw_shares(GraphBuilder& g, Node queries, Head head) const {
    const std::int64_t size = sizes_.width / sizes_.decoder_heads;
    Node keys = g.rows(heard_->keys(head.layer), 0, windows_.front()->positions);
    Node scores =
        ggml_mul_mat(g.context(), ggml_cont(g.context(), g.columns(keys, head.head * size, size)),
                     ggml_cont(g.context(), g.columns(queries, head.head * size, size)));
    return ggml_soft_max_ext(g.context(), scores, nullptr,
                             1.0F / std::sqrt(static_cast<float>(size)), 0.0F);
}

Result<Network::Window*> Network::window(int positions) {
    const auto found = std::ranges::find(windows_, positions,
                                         [](const auto& window) { return window->positions; });
    if (found != windows_.end()) {
        std::rotate(windows_.begin(), found, found + 1);
        return windows_.front().get();
    }
    auto made = std::make_unique<Window>();
    made->positions = positions;
    TITANS_TRY(made->encoder, engine::Graph::build(*compute_.device, [&](GraphBuilder& g) {
                   made->mel = g.input(std::int64_t{2} * positions, sizes_.mels);
                   g.expand(draw_encoder(g, made->mel, {}));
               }));
    if (windows_.size() == kMostWindows) windows_.pop_back();
    windows_.insert(windows_.begin(), std::move(made));
    return windows_.front().get();
}

Result<Network::Reader*> Network::reader(int sequences, int tokens) {
    auto& readers = windows_.front()->readers;
    const auto key = std::pair(sequences, tokens);
    if (const auto found = readers.find(key); found != readers.end()) return &found->second;
    const engine::KvCache& cache = sequences == 1 ? *said_ : *forks_.at(sequences).cache;
    const std::int64_t rows = std::int64_t{sequences} * tokens;
    Reader made;
    TITANS_TRY(made.graph, engine::Graph::build(*compute_.device, [&](GraphBuilder& g) {
                   const DecoderInputs in = draw_inputs(g, rows);
                   made.tokens = in.tokens;
                   made.places = in.places;
                   made.position = in.position;
                   Node x = draw_decoder(g, in, cache, {});
                   if (tokens > 1) x = g.rows(x, rows - 1, 1);
                   made.logits = g.output(g.linear(x, logits_));
               }));
    return &readers.emplace(key, std::move(made)).first->second;
}

// The runs

Result<void> Network::encode(std::span<const float> mel, const std::stop_token& stop) {
    const std::size_t position = static_cast<std::size_t>(sizes_.mels) * 2;
    assert(!mel.empty() && mel.size() % position == 0);
    const int positions = static_cast<int>(mel.size() / position);
    assert(positions <= sizes_.positions);
    TITANS_TRY(Window * found, window(positions));
    found->encoder->write(found->mel, mel);
    return found->encoder->compute(stop);
}

Result<std::span<const float>> Network::run(Reader& reader, std::span<const int> tokens, int each,
                                            int position, const std::stop_token& stop) {
    std::vector<std::int32_t> places;
    places.reserve(tokens.size());
    for (std::size_t i = 0; i < tokens.size(); ++i)
        places.push_back(position + static_cast<std::int32_t>(i) % each);
    reader.graph->write(reader.tokens, tokens);
    reader.graph->write(reader.places, places);
    reader.graph->write(reader.position, std::span(&position, 1));
    TITANS_TRY_VOID(reader.graph->compute(stop));
    answer_.resize(static_cast<std::size_t>(ggml_nelements(reader.logits)));
    reader.graph->read(reader.logits, answer_);
    return std::span<const float>(answer_);
}

Result<std::span<const float>> Network::read(std::span<const int> tokens, int position,
                                             const std::stop_token& stop) {
    assert(!windows_.empty() && !tokens.empty());
    assert(position + std::ssize(tokens) <= sizes_.tokens);
    // Each number of tokens needs a graph: of many tokens, a power of two is read at once.
    std::span<const float> logits;
    while (!tokens.empty()) {
        const std::size_t piece = tokens.size() <= kMostAtOnce
                                      ? tokens.size()
                                      : std::min(std::bit_floor(tokens.size()), kLongestPiece);
        const int count = static_cast<int>(piece);
        TITANS_TRY(Reader * found, reader(1, count));
        TITANS_TRY(logits, run(*found, tokens.first(piece), count, position, stop));
        tokens = tokens.subspan(piece);
        position += count;
    }
    return logits;
}

Result<void> Network::fork(int sequences, int length) {
    sequences_ = sequences;
    if (sequences == 1) return {};
    Fork& fork = forks_[sequences];
    if (!fork.cache) {
        TITANS_TRY(fork.cache,
                   engine::KvCache::open(*compute_.device, {.layers = sizes_.decoder_layers,
                                                            .sequences = sequences,
                                                            .capacity = sizes_.tokens,
                                                            .width = sizes_.width,
                                                            .precision = compute_.precision}));
        TITANS_TRY(fork.graph, engine::Graph::build(*compute_.device, [&](GraphBuilder& g) {
                       for (int i = 0; i < sizes_.decoder_layers; ++i) {
                           g.keep(said_->keys(i), fork.cache->keys(i));
                           g.keep(said_->values(i), fork.cache->values(i));
                       }
                   }));
    }
    TITANS_TRY_VOID(fork.graph->compute({}));
    fork.cache->reorder(std::vector<int>(static_cast<std::size_t>(sequences)), length);
    return {};
}

Result<std::span<const float>> Network::read_each(std::span<const int> tokens, int position,
                                                  const std::stop_token& stop) {
    assert(std::ssize(tokens) == sequences_ && position < sizes_.tokens);
    TITANS_TRY(Reader * found, reader(sequences_, 1));
    return run(*found, tokens, 1, position, stop);
}

void Network::reorder(std::span<const int> sources, int length) {
    assert(std::ssize(sources) == sequences_);
    if (sequences_ > 1) forks_.at(sequences_).cache->reorder(sources, length);
}

Result<std::vector<float>> Network::alignment(std::span<const int> tokens,
                                              std::span<const Head> heads,
                                              const std::stop_token& stop) {
    assert(!windows_.empty() && std::ssize(tokens) <= sizes_.tokens);
    DecoderInputs in;
    std::vector<Node> shares;
    TITANS_TRY(const auto graph, engine::Graph::build(*compute_.device, [&](GraphBuilder& g) {
                   in = draw_inputs(g, std::ssize(tokens));
                   std::map<std::string, Node, std::less<>> queries;
                   g.expand(draw_decoder(g, in, *said_, [&](std::string_view name, Node value) {
                       if (name.starts_with("queries.")) queries[std::string(name)] = value;
                   }));
                   for (const Head& head : heads) {
                       Node of_layer = queries.at(std::format("queries.{}", head.layer));
                       shares.push_back(g.output(draw_shares(g, of_layer, head)));
                   }
               }));
    std::vector<std::int32_t> places(tokens.size());
    std::iota(places.begin(), places.end(), 0);
    graph->write(in.tokens, tokens);
    graph->write(in.places, places);
    graph->write(in.position, std::vector<std::int32_t>{0});
    TITANS_TRY_VOID(graph->compute(stop));
    std::vector<float> all;
    for (Node node : shares) {
        const std::vector<float> one = graph->read(node);
        all.insert(all.end(), one.begin(), one.end());
    }
    return all;
}

Result<std::vector<Stage>> Network::stages(std::span<const float> mel,
                                           std::span<const int> tokens) {
    TITANS_TRY_VOID(encode(mel, {}));  // its graph is the decoder's measure, too
    std::vector<std::pair<std::string, Node>> kept;
    std::vector<Stage> stages;
    const auto read_all = [&](const engine::Graph& graph) {
        for (const auto& [name, node] : kept) stages.push_back({name, graph.read(node)});
        kept.clear();
    };
    const auto keeper = [&](GraphBuilder& g) {
        return [&](std::string_view name, Node value) {
            if (!name.starts_with("queries.")) kept.emplace_back(name, g.output(value));
        };
    };
    Node input = nullptr;
    TITANS_TRY(const auto encoder, engine::Graph::build(*compute_.device, [&](GraphBuilder& g) {
                   input = g.input(std::int64_t{2} * windows_.front()->positions, sizes_.mels);
                   draw_encoder(g, input, keeper(g));
               }));
    encoder->write(input, mel);
    TITANS_TRY_VOID(encoder->compute({}));
    read_all(*encoder);

    DecoderInputs in;
    TITANS_TRY(const auto decoder, engine::Graph::build(*compute_.device, [&](GraphBuilder& g) {
                   in = draw_inputs(g, std::ssize(tokens));
                   Node x = draw_decoder(g, in, *said_, keeper(g));
                   kept.emplace_back("logits", g.output(g.linear(x, logits_)));
               }));
    std::vector<std::int32_t> places(tokens.size());
    std::iota(places.begin(), places.end(), 0);
    decoder->write(in.tokens, tokens);
    decoder->write(in.places, places);
    decoder->write(in.position, std::vector<std::int32_t>{0});
    TITANS_TRY_VOID(decoder->compute({}));
    read_all(*decoder);
    return stages;
}

}  // namespace titans::hearing::whisper
