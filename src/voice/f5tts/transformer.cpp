#include "voice/f5tts/transformer.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <format>

namespace titans::voice::f5tts {
namespace {

using engine::Activation;
using engine::Bias;
using engine::GraphBuilder;
using engine::Node;

constexpr float kEpsilon = 1e-6F;
constexpr int kTextKernel = 7;
constexpr int kPositionKernel = 31;
constexpr int kPositionGroups = 16;
/// Multiplications of a part of a step: what a small processor does in a tenth of a second or less.
constexpr double kPart = 1e10;
constexpr double kPartOfHalves = 3e10;

/// Columns of the modulation, in units of the network's width: of a block, then of the end.
enum Of : std::uint8_t { AttentionShift, AttentionScale, AttentionGate, Shift, Scale, Gate };
constexpr int kOfBlock = 6;

engine::Conv1dShape same_length(int width, int kernel, int groups) {
    return {.in = width,
            .out = width,
            .kernel = kernel,
            .groups = groups,
            .pad_left = kernel / 2,
            .pad_right = kernel / 2};
}

}  // namespace

Conditions conditions_of(const Config& config, std::span<const std::int32_t> text,
                         std::span<const float> reference, int frames, int branches) {
    const auto rows = static_cast<std::size_t>(frames);
    const auto all = rows * static_cast<std::size_t>(branches);
    const auto mels = static_cast<std::size_t>(config.mel_dim);
    const auto width = static_cast<std::size_t>(config.text_dim);
    assert(reference.size() <= rows * mels);
    Conditions made{.frames = frames, .branches = branches};
    made.ids.resize(all);
    made.known.resize(all);
    made.mel.resize(all * mels);
    const std::span<const std::int32_t> used = text.first(std::min(text.size(), rows));
    std::ranges::transform(used, made.ids.begin(), [](std::int32_t id) { return id + 1; });
    for (std::size_t first = 0; first < all; first += rows)
        std::fill_n(made.known.begin() + static_cast<std::ptrdiff_t>(first), used.size(), 1.0F);
    std::ranges::copy(reference, made.mel.begin());

    std::vector<float> frequencies(width / 2);
    for (std::size_t i = 0; i < frequencies.size(); ++i) {
        const float share = static_cast<float>(2 * i) / static_cast<float>(width);
        frequencies[i] = 1 / std::pow(10'000.0F, share);
    }
    made.positions.reserve(all * width);
    for (std::size_t row = 0; row < rows; ++row) {
        const auto place = static_cast<float>(row);
        for (const float each : frequencies) made.positions.push_back(std::cos(place * each));
        for (const float each : frequencies) made.positions.push_back(std::sin(place * each));
    }
    made.positions.resize(all * width);
    for (std::size_t first = rows * width; first < made.positions.size(); first += rows * width)
        std::copy_n(made.positions.begin(), rows * width,
                    made.positions.begin() + static_cast<std::ptrdiff_t>(first));
    return made;
}

Result<std::unique_ptr<const Transformer>> Transformer::load(
    std::shared_ptr<const engine::GgufFile> file, const Config& config,
    const engine::Compute& compute) {
    std::unique_ptr<Transformer> made(new Transformer());
    made->config_ = config;
    made->device_ = compute.device;
    made->weights_ =
        std::make_unique<engine::Weights>(std::move(file), *compute.device, compute.precision);
    TITANS_TRY_VOID(made->load_text());
    TITANS_TRY_VOID(made->load_blocks());
    TITANS_TRY_VOID(made->weights_->finish());
    return made;
}

Result<engine::Linear> Transformer::exact(const std::string& name, int in, int out) {
    return weights_->linear_columns(name, in, 0, in, out, Bias::Yes);
}

Result<void> Transformer::load_text() {
    engine::Weights& weights = *weights_;
    const int width = config_.text_dim;
    const int wide = 2 * width;
    TITANS_TRY(table_, weights.embedding("text_embed.text_embed.weight",
                                         std::int64_t{config_.text_num_embeds} + 1, width));
    for (int number = 0; number < config_.conv_layers; ++number) {
        const std::string name = std::format("text_embed.text_blocks.{}.", number);
        TextBlock block;
        TITANS_TRY(block.conv, weights.conv1d(name + "dwconv",
                                              same_length(width, kTextKernel, width), Bias::Yes));
        TITANS_TRY(block.norm, weights.norm(name + "norm", width, kEpsilon));
        TITANS_TRY(block.wide, exact(name + "pwconv1", width, wide));
        block.response.epsilon = kEpsilon;
        TITANS_TRY(block.response.scale, weights.tensor(name + "grn.gamma", {1, 1, wide}));
        TITANS_TRY(block.response.shift, weights.tensor(name + "grn.beta", {1, 1, wide}));
        TITANS_TRY(block.narrow, exact(name + "pwconv2", wide, width));
        text_blocks_.push_back(std::move(block));
    }
    return {};
}

Result<void> Transformer::load_blocks() {
    engine::Weights& weights = *weights_;
    const int dim = config_.dim;
    const int mels = config_.mel_dim;
    const int all = 2 * mels + config_.text_dim;
    const auto part = [&](int first, int count, Bias bias) {
        return weights.linear_columns("input_embed.proj", all, first, count, dim, bias);
    };
    TITANS_TRY(noisy_in_, part(0, mels, Bias::No));
    TITANS_TRY(mel_in_, part(mels, mels, Bias::No));
    TITANS_TRY(text_in_, part(2 * mels, config_.text_dim, Bias::Yes));
    for (int i = 0; i < 2; ++i) {
        TITANS_TRY(position_[i],
                   weights.conv1d(std::format("input_embed.conv_pos_embed.conv1d.{}", 2 * i),
                                  same_length(dim, kPositionKernel, kPositionGroups), Bias::Yes));
    }
    for (int number = 0; number < config_.depth; ++number) {
        const std::string name = std::format("transformer_blocks.{}.", number);
        const std::string attention = name + "attn.";
        Block block;
        TITANS_TRY(block.in, weights.joined_linear(
                                 {attention + "to_q", attention + "to_k", attention + "to_v"}, dim,
                                 dim, {Bias::Yes, Bias::Yes, Bias::Yes}));
        TITANS_TRY(block.attended, weights.linear(attention + "to_out.0", dim, dim));
        const int wide = dim * config_.ff_mult;
        TITANS_TRY(block.wide, weights.linear(name + "ff.ff.0.0", dim, wide));
        TITANS_TRY(block.narrow, weights.linear(name + "ff.ff.2", wide, dim));
        blocks_.push_back(block);
    }
    TITANS_TRY(out_, exact("proj_out", dim, mels));
    return {};
}

Transformer::ConditionNodes Transformer::inputs(GraphBuilder& graph, const Config& config,
                                                const Conditions& conditions) {
    const std::int64_t rows = std::int64_t{conditions.branches} * conditions.frames;
    ConditionNodes nodes{.ids = graph.integer_input(rows),
                         .positions = graph.input(rows, config.text_dim),
                         .mel = graph.input(rows, config.mel_dim)};
    if (config.text_mask_padding) nodes.known = graph.input(rows, 1);
    return nodes;
}

void Transformer::write(engine::Graph& graph, const ConditionNodes& nodes,
                        const Conditions& conditions) {
    graph.write(nodes.ids, conditions.ids);
    graph.write(nodes.positions, conditions.positions);
    graph.write(nodes.mel, conditions.mel);
    if (nodes.known != nullptr) graph.write(nodes.known, conditions.known);
}

Node Transformer::draw_conditions(GraphBuilder& graph, const ConditionNodes& nodes, int branches,
                                  const engine::StageSink& stage) const {
    const auto masked = [&](Node x) {
        return nodes.known == nullptr ? x : graph.scale_rows(x, nodes.known);
    };
    Node x = masked(graph.add(graph.embedding(nodes.ids, table_), nodes.positions));
    for (const TextBlock& block : text_blocks_) {
        Node y = graph.conv1d(x, block.conv, {.sequences = branches});
        y = graph.linear(graph.layer_norm(y, block.norm), block.wide,
                         {.activation = Activation::GeluErf});
        y = graph.linear(graph.response_norm(y, block.response, branches), block.narrow,
                         {.add = x});
        x = masked(y);
    }
    if (stage) stage("text", x);
    return graph.linear(x, text_in_, {.add = graph.linear(nodes.mel, mel_in_)});
}

Node Transformer::draw_step(GraphBuilder& graph, const StepNodes& nodes, int branches,
                            const engine::StageSink& stage) const {
    const auto tell = [&stage](const std::string& name, Node value) {
        if (stage) stage(name, value);
    };
    const std::int64_t dim = config_.dim;
    const auto modulation = [&](std::int64_t unit) {
        return graph.columns(nodes.modulation, unit * dim, dim);
    };
    Node x = graph.linear(nodes.noisy, noisy_in_, {.add = nodes.conditions});
    const engine::Conv1dOptions conv{.activation = Activation::Mish, .sequences = branches};
    x = graph.add(x, graph.conv1d(graph.conv1d(x, position_[0], conv), position_[1], conv));
    tell("input", x);

    // Of the input and of the halves of a block.
    const auto rows = static_cast<double>(x->ne[1]);
    const auto width = static_cast<double>(dim);
    const double input = rows * width * width / kPositionGroups * kPositionKernel * 2;
    const double attention = rows * width * (4 * width + 2 * rows / branches);
    const double feed_forward = rows * width * width * 2 * config_.ff_mult;
    const double most = weights_->precision() == engine::Precision::F32 ? kPart : kPartOfHalves;
    double in_part = input;
    const auto go_on = [&](double multiplications, Node value) {
        if (in_part + multiplications > most) {
            graph.cut(value);
            in_part = 0;
        }
        in_part += multiplications;
    };

    const int rotated = config_.pe_attn_head == 0 ? config_.heads : config_.pe_attn_head;
    std::int64_t first = 0;
    int number = 0;
    for (const Block& block : blocks_) {
        go_on(attention, x);
        Node y = graph.modulated_norm(x, modulation(first + AttentionScale),
                                      modulation(first + AttentionShift), kEpsilon);
        Node all = graph.linear(y, block.in);
        y = graph.attention(
            graph.columns(all, 0, dim), graph.columns(all, dim, dim),
            graph.columns(all, 2 * dim, dim),
            {.heads = config_.heads, .sequences = branches, .rotated_heads = rotated});
        x = graph.linear(y, block.attended, {.add = x, .gate = modulation(first + AttentionGate)});
        go_on(feed_forward, x);
        y = graph.modulated_norm(x, modulation(first + Scale), modulation(first + Shift), kEpsilon);
        y = graph.linear(y, block.wide, {.activation = Activation::GeluTanh});
        x = graph.linear(y, block.narrow, {.add = x, .gate = modulation(first + Gate)});
        tell(std::format("block.{}", ++number), x);
        first += kOfBlock;
    }
    x = graph.modulated_norm(x, modulation(first), modulation(first + 1), kEpsilon);
    Node velocity = graph.linear(x, out_);
    tell("velocity", velocity);
    return velocity;
}

}  // namespace titans::voice::f5tts
