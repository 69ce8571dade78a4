#include "hearing/ctc/ctc_network.h"

#include <format>

namespace titans::hearing::ctc {
namespace {

using engine::Activation;
using engine::Bias;
using engine::GraphBuilder;
using engine::Node;
using engine::Weights;

/// Of the convolutions' norms; the configuration's is the encoder's.
constexpr float kConvEpsilon = 1e-5F;

}  // namespace

Result<CtcNetwork> CtcNetwork::load(std::shared_ptr<const engine::GgufFile> file,
                                    const CtcConfig& config, const engine::Compute& compute) {
    CtcNetwork network;
    network.config_ = config;
    network.device_ = compute.device;
    network.weights_ =
        std::make_unique<Weights>(std::move(file), *compute.device, compute.precision);
    Weights& weights = *network.weights_;

    int channels = 1;
    for (const CtcConfig::Convolution& shape : config.convolutions) {
        const std::string name =
            std::format("feature_extractor.conv_layers.{}", network.convolutions_.size());
        Convolution convolution;
        TITANS_TRY(convolution.conv, weights.conv1d(name + ".conv",
                                                    {.in = channels,
                                                     .out = shape.width,
                                                     .kernel = shape.kernel,
                                                     .stride = shape.stride},
                                                    config.conv_bias ? Bias::Yes : Bias::No));
        if (config.normalizes_each_conv || network.convolutions_.empty()) {
            TITANS_TRY(convolution.norm,
                       weights.norm(name + ".layer_norm", shape.width, kConvEpsilon));
        }
        network.convolutions_.push_back(std::move(convolution));
        channels = shape.width;
    }

    const int width = config.width;
    if (config.normalizes_features) {
        TITANS_TRY(network.feature_norm_,
                   weights.norm("feature_projection.layer_norm", channels, config.norm_epsilon));
    }
    TITANS_TRY(network.projection_,
               weights.linear("feature_projection.projection", channels, width));
    // The reference pads half a kernel on both sides and, if the kernel is even, drops the last
    // frame: so the right side has one less.
    const int before = config.position_kernel / 2;
    TITANS_TRY(network.position_, weights.conv1d("encoder.pos_conv_embed.conv",
                                                 {.in = width,
                                                  .out = width,
                                                  .kernel = config.position_kernel,
                                                  .groups = config.position_groups,
                                                  .pad_left = before,
                                                  .pad_right = config.position_kernel - 1 - before},
                                                 Bias::Yes));
    TITANS_TRY(network.norm_, weights.norm("encoder.layer_norm", width, config.norm_epsilon));
    for (int number = 0; number < config.layers; ++number) {
        const std::string name = std::format("encoder.layers.{}.", number);
        Block block;
        TITANS_TRY(block.query, weights.linear(name + "attention.q_proj", width, width));
        TITANS_TRY(block.key, weights.linear(name + "attention.k_proj", width, width));
        TITANS_TRY(block.value, weights.linear(name + "attention.v_proj", width, width));
        TITANS_TRY(block.attended, weights.linear(name + "attention.out_proj", width, width));
        TITANS_TRY(block.attention_norm,
                   weights.norm(name + "layer_norm", width, config.norm_epsilon));
        TITANS_TRY(block.wide, weights.linear(name + "feed_forward.intermediate_dense", width,
                                              config.feed_forward));
        TITANS_TRY(block.narrow,
                   weights.linear(name + "feed_forward.output_dense", config.feed_forward, width));
        TITANS_TRY(block.final_norm,
                   weights.norm(name + "final_layer_norm", width, config.norm_epsilon));
        network.blocks_.push_back(block);
    }
    TITANS_TRY(network.head_, weights.linear("lm_head", width, config.vocabulary));
    TITANS_TRY_VOID(weights.finish());
    return network;
}

Node CtcNetwork::draw(GraphBuilder& graph, Node samples, const engine::StageSink& stage) const {
    const auto tell = [&stage](const std::string& name, Node value) {
        if (stage) stage(name, value);
    };
    Node x = samples;
    int number = 0;
    for (const Convolution& layer : convolutions_) {
        if (!layer.norm) {
            x = graph.conv1d(x, layer.conv, Activation::GeluErf);
        } else if (config_.normalizes_each_conv) {
            x = graph.layer_norm(graph.conv1d(x, layer.conv), *layer.norm, Activation::GeluErf);
        } else {
            x = graph.time_norm(graph.conv1d(x, layer.conv), *layer.norm, Activation::GeluErf);
        }
        tell(std::format("features.{}", number++), x);
    }
    if (feature_norm_) x = graph.layer_norm(x, *feature_norm_);
    x = graph.linear(x, projection_);
    tell("projection", x);
    x = graph.add(x, graph.conv1d(x, position_, Activation::GeluErf));
    tell("position", x);
    if (!config_.normalizes_first) {
        x = graph.layer_norm(x, norm_);
        tell("norm", x);
    }
    number = 0;
    for (const Block& block : blocks_) {
        x = draw_block(graph, x, block);
        tell(std::format("block.{}", ++number), x);
    }
    if (config_.normalizes_first) {
        x = graph.layer_norm(x, norm_);
        tell("norm", x);
    }
    Node logits = graph.linear(x, head_);
    tell("logits", logits);
    return logits;
}

Node CtcNetwork::draw_block(GraphBuilder& graph, Node x, const Block& block) const {
    const auto feed_forward = [&](Node input, Node residual) {
        Node wide = graph.linear(input, block.wide, {.activation = Activation::GeluErf});
        return graph.linear(wide, block.narrow, {.add = residual});
    };
    if (config_.normalizes_first) {
        x = attend(graph, graph.layer_norm(x, block.attention_norm), x, block);
        return feed_forward(graph.layer_norm(x, block.final_norm), x);
    }
    x = graph.layer_norm(attend(graph, x, x, block), block.attention_norm);
    return graph.layer_norm(feed_forward(x, x), block.final_norm);
}

Node CtcNetwork::attend(GraphBuilder& graph, Node x, Node residual, const Block& block) const {
    Node query = graph.linear(x, block.query);
    Node key = graph.linear(x, block.key);
    Node value = graph.linear(x, block.value);
    Node mixed = graph.attention(query, key, value, {.heads = config_.heads});
    return graph.linear(mixed, block.attended, {.add = residual});
}

}  // namespace titans::hearing::ctc
