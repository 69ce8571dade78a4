#include "voice/f5tts/modulation.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <format>

#include "engine/layers/graph.h"
#include "engine/layers/weights.h"

namespace titans::voice::f5tts {
namespace {

using engine::GraphBuilder;
using engine::Node;

constexpr int kUnitsOfBlock = 6;  // of the network's width
constexpr int kUnitsOfEnd = 2;
constexpr int kFeatures = 256;
constexpr std::string_view kFirst = "time_embed.time_mlp.0";
constexpr std::string_view kSecond = "time_embed.time_mlp.2";

std::string layer_name(const Config& config, int layer) {
    return layer == config.depth ? "norm_out.linear"
                                 : std::format("transformer_blocks.{}.attn_norm.linear", layer);
}

int layer_units(const Config& config, int layer) {
    return layer == config.depth ? kUnitsOfEnd : kUnitsOfBlock;
}

/// [times, kFeatures]: sines, then cosines, of thousandths of the way.
std::vector<float> features(std::span<const float> times) {
    constexpr int kHalf = kFeatures / 2;
    const double step = -std::log(10'000.0) / (kHalf - 1);
    std::vector<float> made;
    for (const float time : times) {
        std::vector<double> angles;
        for (int i = 0; i < kHalf; ++i) angles.push_back(1000.0 * time * std::exp(i * step));
        for (const double angle : angles) made.push_back(static_cast<float>(std::sin(angle)));
        for (const double angle : angles) made.push_back(static_cast<float>(std::cos(angle)));
    }
    return made;
}

}  // namespace

Modulation::Modulation(std::vector<float> times, std::int64_t width)
    : times_(std::move(times)), width_(width) {
    assert(times_.size() > 1);
    values_.resize((times_.size() - 1) * static_cast<std::size_t>(width));
}

std::span<const float> Modulation::at(std::size_t step) const {
    const auto width = static_cast<std::size_t>(width_);
    return std::span(values_).subspan(step * width, width);
}

std::int64_t modulation_width(const Config& config) {
    return std::int64_t{config.dim} * (config.depth * kUnitsOfBlock + kUnitsOfEnd);
}

Result<void> ModulationPass::check(const engine::GgufFile& file, const Config& config) {
    const auto has = [&](std::string_view name, std::int64_t in, std::int64_t out) -> Result<void> {
        TITANS_TRY_VOID(file.find(std::format("{}.weight", name), {out, in}));
        TITANS_TRY_VOID(file.find(std::format("{}.bias", name), {out}));
        return {};
    };
    TITANS_TRY_VOID(has(kFirst, kFeatures, config.dim));
    TITANS_TRY_VOID(has(kSecond, config.dim, config.dim));
    for (int layer = 0; layer <= config.depth; ++layer) {
        TITANS_TRY_VOID(has(layer_name(config, layer), config.dim,
                            std::int64_t{config.dim} * layer_units(config, layer)));
    }
    return {};
}

ModulationPass::ModulationPass(std::shared_ptr<const engine::GgufFile> file, const Config& config,
                               std::shared_ptr<engine::Device> device, std::vector<float> times)
    : file_(std::move(file)),
      config_(config),
      device_(std::move(device)),
      result_(std::make_shared<Modulation>(std::move(times), modulation_width(config))) {}

Result<void> ModulationPass::embed(const std::stop_token& stop) {
    const std::span<const float> moments =
        result_->times().first(result_->times().size() - 1);  // none at the end
    engine::Weights weights(file_, *device_, engine::Precision::F32, engine::Use::Seldom);
    TITANS_TRY(const auto first, weights.linear(std::string(kFirst), kFeatures, config_.dim));
    TITANS_TRY(const auto second, weights.linear(std::string(kSecond), config_.dim, config_.dim));
    TITANS_TRY_VOID(weights.finish());
    Node in = nullptr;
    Node out = nullptr;
    Node activated = nullptr;
    TITANS_TRY(const auto graph, engine::Graph::build(*device_, [&](GraphBuilder& builder) {
                   in = builder.input(std::ssize(moments), kFeatures);
                   Node hidden =
                       builder.linear(in, first, {.activation = engine::Activation::Silu});
                   out = builder.output(builder.linear(hidden, second));
                   activated = builder.output(builder.activate(out, engine::Activation::Silu));
               }));
    graph->write(in, features(moments));
    TITANS_TRY_VOID(graph->compute(stop));
    embedded_ = graph->read(out);
    activated_ = graph->read(activated);
    return {};
}

Result<bool> ModulationPass::next(const std::stop_token& stop) {
    if (layer_ < 0) {
        TITANS_TRY_VOID(embed(stop));
        layer_ = 0;
        return true;
    }
    const std::size_t steps = result_->times().size() - 1;
    const std::int64_t width = std::int64_t{config_.dim} * layer_units(config_, layer_);
    engine::Weights weights(file_, *device_, engine::Precision::F32, engine::Use::Seldom);
    TITANS_TRY(const auto layer, weights.linear(layer_name(config_, layer_), config_.dim, width));
    TITANS_TRY_VOID(weights.finish());
    Node in = nullptr;
    Node out = nullptr;
    TITANS_TRY(const auto graph, engine::Graph::build(*device_, [&](GraphBuilder& builder) {
                   in = builder.input(static_cast<std::int64_t>(steps), config_.dim);
                   out = builder.output(builder.linear(in, layer));
               }));
    graph->write(in, activated_);
    TITANS_TRY_VOID(graph->compute(stop));
    const std::vector<float> values = graph->read(out);
    const auto count = static_cast<std::ptrdiff_t>(width);
    const std::ptrdiff_t first = std::ptrdiff_t{config_.dim} * kUnitsOfBlock * layer_;
    for (std::size_t step = 0; step < steps; ++step) {
        const auto row = static_cast<std::ptrdiff_t>(step);
        std::copy_n(values.begin() + row * count, count,
                    result_->values_.begin() + row * result_->width_ + first);
    }
    return ++layer_ <= config_.depth;
}

}  // namespace titans::voice::f5tts
