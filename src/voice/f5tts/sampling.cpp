#include "voice/f5tts/sampling.h"

#include <algorithm>
#include <cassert>
#include <optional>

#include "engine/layers/graph.h"
#include "voice/f5tts/network_layers.h"

namespace titans::voice::f5tts {
namespace {

using engine::GraphBuilder;
using engine::Node;

constexpr float kNoGuidance = 1e-5F;
/// The reference has positions for so many.
constexpr int kMostFrames = 8192;

}  // namespace

struct Sampling::State {
    std::shared_ptr<const Network> network;
    Request request;
    int branches = 1;
    std::vector<float> x;  // [frames, mel_dim]
    std::size_t done = 0;  // steps
    std::optional<ModulationPass> pass;
    std::shared_ptr<const Modulation> modulation;
    Transformer::StepNodes nodes;
    Node velocity = nullptr;
    std::unique_ptr<engine::Graph> graph;
    bool is_within_step = false;

    std::size_t steps() const { return request.times.size() - 1; }

    /// The next piece of the modulation.
    Result<void> modulate(const std::stop_token& stop);
    /// All that stays the same from step to step.
    Result<void> prepare(const std::stop_token& stop);
    Result<std::vector<float>> conditions(const std::stop_token& stop) const;
    void begin_step();
    void end_step();
};

Result<void> Sampling::State::modulate(const std::stop_token& stop) {
    const Network::Layers& layers = *network->layers_;
    if (!pass) {
        modulation = layers.find_modulation(request.times);
        if (modulation) return {};
        pass.emplace(layers.file, network->config(), layers.device, request.times);
    }
    TITANS_TRY(const bool more, pass->next(stop));
    if (more) return {};
    modulation = pass->result();
    pass.reset();
    layers.remember(modulation);
    return {};
}

Result<std::vector<float>> Sampling::State::conditions(const std::stop_token& stop) const {
    const Network::Layers& layers = *network->layers_;
    const Conditions given =
        conditions_of(network->config(), request.text, request.reference, request.frames, branches);
    Transformer::ConditionNodes inputs;
    Node made = nullptr;
    TITANS_TRY(
        const auto once, engine::Graph::build(*layers.device, [&](GraphBuilder& builder) {
            inputs = Transformer::inputs(builder, network->config(), given);
            made = builder.output(layers.transformer->draw_conditions(builder, inputs, branches));
        }));
    Transformer::write(*once, inputs, given);
    TITANS_TRY_VOID(once->compute(stop));
    return once->read(made);
}

Result<void> Sampling::State::prepare(const std::stop_token& stop) {
    const Network::Layers& layers = *network->layers_;
    const Config& config = network->config();
    TITANS_TRY(const std::vector<float> constant, conditions(stop));
    const std::int64_t rows = std::int64_t{branches} * request.frames;
    TITANS_TRY(graph, engine::Graph::build(*layers.device, [&](GraphBuilder& builder) {
                   nodes = {.noisy = builder.input(rows, config.mel_dim),
                            .conditions = builder.input(rows, config.dim),
                            .modulation = builder.input(1, modulation_width(config))};
                   velocity =
                       builder.output(layers.transformer->draw_step(builder, nodes, branches));
               }));
    graph->write(nodes.conditions, constant);
    return {};
}

void Sampling::State::begin_step() {
    std::vector<float> noisy;
    noisy.reserve(x.size() * static_cast<std::size_t>(branches));
    for (int branch = 0; branch < branches; ++branch) noisy.insert(noisy.end(), x.begin(), x.end());
    graph->write(nodes.noisy, noisy);
    graph->write(nodes.modulation, modulation->at(done));
    is_within_step = true;
}

void Sampling::State::end_step() {
    const std::vector<float> velocities = graph->read(velocity);
    const float time = request.times[done + 1] - request.times[done];
    const float strength = branches == 1 ? 0 : request.cfg_strength;
    const float* guided = velocities.data();
    const float* free = guided + (branches == 1 ? 0 : x.size());
    for (std::size_t i = 0; i < x.size(); ++i)
        x[i] += time * (guided[i] + (guided[i] - free[i]) * strength);
    is_within_step = false;
    ++done;
}

Sampling::Sampling(std::unique_ptr<State> state) : state_(std::move(state)) {}
Sampling::~Sampling() = default;

Result<std::unique_ptr<Sampling>> Sampling::begin(std::shared_ptr<const Network> network,
                                                  Request request) {
    const Config& config = network->config();
    const auto mels = static_cast<std::size_t>(config.mel_dim);
    const auto frames = static_cast<std::size_t>(std::max(request.frames, 0));
    if (frames * mels <= request.reference.size())
        return fail(ErrorKind::InvalidInput, "there is no time left to speak in");
    if (request.frames > kMostFrames) {
        return fail(ErrorKind::InvalidInput,
                    "recording and speech together are longer than the voice can speak at once");
    }
    const auto is_known = [&](std::int32_t id) { return id >= 0 && id < config.text_num_embeds; };
    if (!std::ranges::all_of(request.text, is_known) || request.times.size() < 2 ||
        request.reference.size() % mels != 0 || request.noise.size() != frames * mels) {
        return fail(ErrorKind::Internal, "the voice was asked for something impossible");
    }
    auto state = std::make_unique<State>();
    state->network = std::move(network);
    state->branches = request.cfg_strength < kNoGuidance ? 1 : 2;
    state->x = std::move(request.noise);
    state->request = std::move(request);
    return std::unique_ptr<Sampling>(new Sampling(std::move(state)));
}

Result<bool> Sampling::step(const std::stop_token& stop) {
    State& state = *state_;
    if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "cancelled");
    if (state.done == state.steps()) return false;
    if (!state.modulation) {
        TITANS_TRY_VOID(state.modulate(stop));
        return true;
    }
    if (!state.graph) {
        TITANS_TRY_VOID(state.prepare(stop));
        return true;
    }
    if (!state.is_within_step) state.begin_step();
    TITANS_TRY(const bool more, state.graph->compute_next(stop));
    if (more) return true;
    state.end_step();
    if (state.done < state.steps()) return true;
    state.graph.reset();
    return false;
}

bool Sampling::is_under_way() const { return state_->graph != nullptr; }

std::span<const float> Sampling::state() const { return state_->x; }

std::vector<float> Sampling::mel() const {
    std::vector<float> made = state_->x;
    std::ranges::copy(state_->request.reference, made.begin());
    return made;
}

}  // namespace titans::voice::f5tts
