#include "knowledge/bert/network.h"

#include <ggml.h>

#include <format>
#include <string>

namespace titans::knowledge::bert {
namespace {

using engine::Bias;
using engine::Node;

}  // namespace

Result<Config> Config::read(const engine::GgufFile& file) {
    const auto read = [&file](const char* key, int most, int& value) -> Result<void> {
        TITANS_TRY(const std::int64_t number, file.integer(key));
        if (number < 1 || number > most) {
            return fail(ErrorKind::Unsupported,
                        std::format("the model file has a {} that is not supported", key));
        }
        value = static_cast<int>(number);
        return {};
    };
    Config config;
    TITANS_TRY_VOID(read("bert.hidden_size", 1 << 13, config.width));
    TITANS_TRY_VOID(read("bert.num_hidden_layers", 64, config.layers));
    TITANS_TRY_VOID(read("bert.num_attention_heads", 128, config.heads));
    TITANS_TRY_VOID(read("bert.intermediate_size", 1 << 15, config.feed_forward));
    TITANS_TRY_VOID(read("bert.vocab_size", 1 << 20, config.vocabulary));
    TITANS_TRY_VOID(read("bert.max_position_embeddings", 1 << 16, config.positions));
    TITANS_TRY_VOID(read("bert.type_vocab_size", 16, config.token_types));
    TITANS_TRY(const double epsilon, file.real("bert.layer_norm_eps"));
    config.epsilon = static_cast<float>(epsilon);
    if (config.width % config.heads != 0) {
        return fail(ErrorKind::Unsupported,
                    "the model file has a bert.num_attention_heads that does not divide its width");
    }
    return config;
}

Result<Network> Network::load(std::shared_ptr<const engine::GgufFile> file,
                              const engine::Compute& compute) {
    Network network;
    TITANS_TRY(network.config_, Config::read(*file));
    const Config& config = network.config_;
    network.device_ = compute.device;
    network.weights_ =
        std::make_unique<engine::Weights>(std::move(file), *compute.device, compute.precision);
    engine::Weights& weights = *network.weights_;
    const std::string embeddings = "embeddings.";
    TITANS_TRY(network.words_, weights.embedding(embeddings + "word_embeddings.weight",
                                                 config.vocabulary, config.width));
    TITANS_TRY(network.positions_, weights.tensor(embeddings + "position_embeddings.weight",
                                                  {config.positions, config.width}));
    TITANS_TRY(network.types_, weights.tensor(embeddings + "token_type_embeddings.weight",
                                              {config.token_types, config.width}));
    TITANS_TRY(network.embeddings_norm_,
               weights.norm(embeddings + "LayerNorm", config.width, config.epsilon));
    for (int number = 0; number < config.layers; ++number)
        TITANS_TRY_VOID(network.add_block(number));
    TITANS_TRY_VOID(weights.finish());
    return network;
}

Result<void> Network::add_block(int number) {
    const std::string name = std::format("encoder.layer.{}.", number);
    const std::string attention = name + "attention.";
    const int width = config_.width;
    Block block;
    TITANS_TRY(block.query_key_value,
               weights_->joined_linear(
                   {attention + "self.query", attention + "self.key", attention + "self.value"},
                   width, width, {Bias::Yes, Bias::Yes, Bias::Yes}));
    TITANS_TRY(block.attention_out, weights_->linear(attention + "output.dense", width, width));
    TITANS_TRY(block.attention_norm,
               weights_->norm(attention + "output.LayerNorm", width, config_.epsilon));
    TITANS_TRY(block.up,
               weights_->linear(name + "intermediate.dense", width, config_.feed_forward));
    TITANS_TRY(block.down, weights_->linear(name + "output.dense", config_.feed_forward, width));
    TITANS_TRY(block.norm, weights_->norm(name + "output.LayerNorm", width, config_.epsilon));
    blocks_.push_back(block);
    return {};
}

/// [texts x length, width]: of the words, their places and the type of a text that stands alone.
Node Network::embed(engine::GraphBuilder& graph, Node ids, const Shape& shape) const {
    ggml_context* const context = graph.context();
    Node places =
        ggml_add(context, graph.rows(positions_, 0, shape.length), graph.rows(types_, 0, 1));
    Node words = ggml_reshape_3d(context, graph.embedding(ids, words_), config_.width, shape.length,
                                 shape.texts);
    Node sum =
        ggml_reshape_2d(context, ggml_add(context, words, places), config_.width, shape.tokens());
    return graph.layer_norm(sum, embeddings_norm_);
}

Network::Nodes Network::draw(engine::GraphBuilder& graph, const Shape& shape,
                             const engine::StageSink& stages) const {
    Nodes nodes{.ids = graph.integer_input(shape.tokens()),
                .lengths = graph.integer_input(shape.texts)};
    const auto tell = [&stages](const std::string& name, Node value) {
        if (stages) stages(name, value);
    };
    Node x = embed(graph, nodes.ids, shape);
    tell("embeddings", x);
    int number = 0;
    for (const Block& block : blocks_) {
        const Node joined = graph.linear(x, block.query_key_value);
        const auto part = [&](int index) {
            return graph.columns(joined, std::int64_t{index} * config_.width, config_.width);
        };
        const Node mixed = graph.attention(
            part(0), part(1), part(2),
            {.heads = config_.heads, .sequences = shape.texts, .lengths = nodes.lengths});
        x = graph.layer_norm(graph.linear(mixed, block.attention_out, {.add = x}),
                             block.attention_norm);
        const Node raised = graph.linear(x, block.up, {.activation = engine::Activation::GeluErf});
        x = graph.layer_norm(graph.linear(raised, block.down, {.add = x}), block.norm);
        tell(std::format("block.{}", ++number), x);
    }
    nodes.out = graph.output(x);
    return nodes;
}

}  // namespace titans::knowledge::bert
