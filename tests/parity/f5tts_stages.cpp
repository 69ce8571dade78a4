#include <algorithm>
#include <format>
#include <memory>
#include <string>

#include "engine/ggml/gguf_file.h"
#include "engine/layers/graph.h"
#include "families.h"
#include "voice/f5tts/f5_synthesizer.h"
#include "voice/f5tts/f5_voice.h"
#include "voice/f5tts/mel.h"
#include "voice/f5tts/modulation.h"
#include "voice/f5tts/network.h"
#include "voice/f5tts/sampling.h"
#include "voice/f5tts/sampling_schedule.h"
#include "voice/f5tts/text_pieces.h"
#include "voice/f5tts/transformer.h"
#include "voice/f5tts/vocoder.h"

namespace titans::parity {
namespace {

namespace f5 = voice::f5tts;

constexpr float kStrength = 2;
constexpr float kSway = -1;
constexpr float kTargetRms = 0.1F;
/// The moment of which every stage is looked at.
constexpr std::string_view kMoment = "0.3";
constexpr std::string_view kMoments[] = {"0.0", "0.05", "0.3", "0.9"};

Result<std::vector<float>> given(const checkpoint::Tensors& reference, const std::string& name) {
    TITANS_TRY(const checkpoint::TensorView view, reference.tensor(name));
    return checkpoint::to_f32(view);
}

/// The bytes of UTF-8, one a value.
Result<std::string> given_text(const checkpoint::Tensors& reference, const std::string& name) {
    TITANS_TRY(const std::vector<float> bytes, given(reference, name));
    std::string text;
    for (const float byte : bytes) text.push_back(static_cast<char>(static_cast<int>(byte)));
    return text;
}

/// What the network is given: made by us of what the reference was given.
struct Input {
    std::shared_ptr<const f5::F5Voice> voice;
    std::vector<std::int32_t> ids;
    std::vector<float> noise;
    int frames = 0;

    std::vector<float> mel() const { return {voice->mel().begin(), voice->mel().end()}; }
};

Result<Input> make_input(const checkpoint::Tensors& reference,
                         const std::shared_ptr<const f5::Network>& network) {
    TITANS_TRY(std::vector<float> recording, given(reference, "given.recording"));
    TITANS_TRY(std::string transcript, given_text(reference, "given.reference_text"));
    TITANS_TRY(const std::string text, given_text(reference, "given.text"));
    TITANS_TRY(const std::vector<float> seed, given(reference, "given.seed"));
    TITANS_TRY(const checkpoint::TensorView noise, reference.tensor("noise"));
    if (seed.size() != 2 || noise.shape.size() != 2)
        return fail(ErrorKind::InvalidInput, "given.seed or noise: not in its shape");
    Input input;
    TITANS_TRY(input.voice,
               f5::F5Voice::learn({.excerpt = {.audio = {f5::kRate, std::move(recording)}},
                                   .transcript = std::move(transcript)},
                                  kTargetRms));
    const f5::F5Synthesizer synthesizer(
        {.network = network, .vocoder = nullptr, .characters = std::make_shared<f5::Characters>()});
    TITANS_TRY(input.ids, synthesizer.ids(f5::before_new_text(input.voice->text()) + text));
    input.frames = static_cast<int>(noise.shape[0]);
    f5::Noise generator(static_cast<std::uint64_t>(seed[0]) << 16U |
                        static_cast<std::uint64_t>(seed[1]));
    input.noise = generator.draw(static_cast<std::size_t>(input.frames) * f5::kMels);
    return input;
}

/// Looks into the network as Sampling uses it.
class Look {
public:
    Look(std::shared_ptr<const engine::GgufFile> file, const f5::Config& config,
         const engine::Compute& compute, const Input& input)
        : file_(std::move(file)), config_(config), compute_(compute), input_(input) {}

    Result<void> evaluate(std::string prefix, std::span<const std::string_view> moments);
    std::vector<Stage> take() { return std::move(made_); }

private:
    /// Of both branches: their halves, by names of their own.
    void add(const std::string& name, const std::vector<float>& both) {
        const auto middle = both.begin() + std::ssize(both) / 2;
        made_.push_back({name + ".conditional", {both.begin(), middle}});
        made_.push_back({name + ".unconditional", {middle, both.end()}});
    }
    Result<std::vector<float>> conditions(const f5::Transformer& transformer,
                                          const std::string& prefix);

    std::shared_ptr<const engine::GgufFile> file_;
    f5::Config config_;
    engine::Compute compute_;
    const Input& input_;
    std::vector<Stage> made_;
};

Result<std::vector<float>> Look::conditions(const f5::Transformer& transformer,
                                            const std::string& prefix) {
    const f5::Conditions conditions =
        f5::conditions_of(config_, input_.ids, input_.mel(), input_.frames, 2);
    f5::Transformer::ConditionNodes nodes;
    engine::Node text = nullptr;
    engine::Node sum = nullptr;
    TITANS_TRY(const auto graph,
               engine::Graph::build(*compute_.device, [&](engine::GraphBuilder& builder) {
                   nodes = f5::Transformer::inputs(builder, config_, conditions);
                   const auto sink = [&](std::string_view, engine::Node value) {
                       text = builder.output(value);
                   };
                   sum = builder.output(transformer.draw_conditions(builder, nodes, 2, sink));
               }));
    f5::Transformer::write(*graph, nodes, conditions);
    TITANS_TRY_VOID(graph->compute({}));
    add(prefix + "text", graph->read(text));
    return graph->read(sum);
}

Result<void> Look::evaluate(std::string prefix, std::span<const std::string_view> moments) {
    TITANS_TRY(const auto transformer, f5::Transformer::load(file_, config_, compute_));
    TITANS_TRY(const std::vector<float> constant, conditions(*transformer, prefix));

    std::vector<float> times;
    for (const std::string_view moment : moments) times.push_back(std::stof(std::string(moment)));
    times.push_back(1);
    f5::ModulationPass pass(file_, config_, compute_.device, times);
    while (true) {
        TITANS_TRY(const bool more, pass.next({}));
        if (!more) break;
    }

    f5::Transformer::StepNodes nodes;
    engine::Node velocity = nullptr;
    std::vector<std::pair<std::string, engine::Node>> told;
    const std::int64_t rows = 2 * std::int64_t{input_.frames};
    TITANS_TRY(const auto graph,
               engine::Graph::build(*compute_.device, [&](engine::GraphBuilder& builder) {
                   nodes = {.noisy = builder.input(rows, config_.mel_dim),
                            .conditions = builder.input(rows, config_.dim),
                            .modulation = builder.input(1, f5::modulation_width(config_))};
                   velocity = builder.output(transformer->draw_step(
                       builder, nodes, 2, [&](std::string_view name, engine::Node value) {
                           told.emplace_back(name, builder.output(value));
                       }));
               }));
    graph->write(nodes.conditions, constant);
    std::vector<float> noisy = input_.noise;
    noisy.insert(noisy.end(), input_.noise.begin(), input_.noise.end());
    graph->write(nodes.noisy, noisy);
    const auto width = static_cast<std::size_t>(config_.dim);
    for (std::size_t i = 0; i < moments.size(); ++i) {
        const std::string moment(moments[i]);
        const auto embedded = pass.embedded().subspan(i * width, width);
        made_.push_back({prefix + "time." + moment, {embedded.begin(), embedded.end()}});
        graph->write(nodes.modulation, pass.result()->at(i));
        TITANS_TRY_VOID(graph->compute({}));
        std::vector<float> both = graph->read(velocity);
        if (moment == kMoment) {
            for (const auto& [name, node] : told) {
                if (name != "velocity") add(prefix + name, graph->read(node));
            }
            add(prefix + "velocity." + moment, both);
        }
        const auto half = both.size() / 2;
        for (std::size_t j = 0; j < half; ++j) both[j] += (both[j] - both[j + half]) * kStrength;
        both.resize(half);
        made_.push_back({prefix + "velocity." + moment, std::move(both)});
    }
    return {};
}

/// The states that the reference kept: state.STEPS.K. Of the most steps also what is spoken.
Result<std::vector<Stage>> states(const std::shared_ptr<const f5::Network>& network,
                                  const Subject& subject, const Input& input) {
    std::vector<Stage> made;
    std::vector<float> generated;
    for (int steps = 1; steps <= 64; ++steps) {
        const std::string prefix = std::format("state.{}.", steps);
        if (!std::ranges::any_of(subject.reference.names(),
                                 [&](std::string_view name) { return name.starts_with(prefix); }))
            continue;
        TITANS_TRY(const auto sampling,
                   f5::Sampling::begin(network, {.text = input.ids,
                                                 .reference = input.mel(),
                                                 .frames = input.frames,
                                                 .times = f5::sampling_times(steps, kSway),
                                                 .cfg_strength = kStrength,
                                                 .noise = input.noise}));
        std::vector<float> before = input.noise;
        int done = 0;
        for (bool more = true; more;) {
            TITANS_TRY(more, sampling->step({}));
            if (std::ranges::equal(sampling->state(), before)) continue;
            before.assign(sampling->state().begin(), sampling->state().end());
            made.push_back({std::format("{}{}", prefix, ++done), before});
        }
        const auto recording = input.voice->samples() / f5::kHop * f5::kMels;
        const std::vector<float> mel = sampling->mel();
        generated.assign(mel.begin() + static_cast<std::ptrdiff_t>(recording), mel.end());
    }
    if (!subject.vocoder.empty()) {
        TITANS_TRY(const auto vocoder, f5::Vocoder::load(subject.vocoder, subject.compute));
        TITANS_TRY(std::vector<float> wave, vocoder->decode(generated, {}));
        for (float& sample : wave) sample *= input.voice->gain();
        made.push_back({"waveform", std::move(wave)});
    }
    made.push_back({"mel.generated", std::move(generated)});
    return made;
}

}  // namespace

Result<std::vector<Stage>> f5tts_stages(const Subject& subject) {
    TITANS_TRY(const auto network, f5::Network::load(subject.model, subject.compute));
    TITANS_TRY(const Input input, make_input(subject.reference, network));
    std::vector<Stage> made{{"mel", input.mel()},
                            {"ids", {input.ids.begin(), input.ids.end()}},
                            {"noise", input.noise}};
    for (const std::string_view name :
         {"given.recording", "given.reference_text", "given.text", "given.seed"}) {
        TITANS_TRY(std::vector<float> values, given(subject.reference, std::string(name)));
        made.push_back({std::string(name), std::move(values)});
    }

    TITANS_TRY(auto opened, engine::GgufFile::open(subject.model));
    const auto file = std::make_shared<const engine::GgufFile>(std::move(opened));
    const f5::Config config = network->config();
    Look look(file, config, subject.compute, input);
    TITANS_TRY_VOID(look.evaluate("", kMoments));
    std::ranges::move(look.take(), std::back_inserter(made));
    if (config.text_mask_padding) {
        f5::Config base = config;
        base.text_mask_padding = false;
        base.pe_attn_head = 1;
        Look other(file, base, subject.compute, input);
        TITANS_TRY_VOID(other.evaluate("base.", std::span(&kMoment, 1)));
        std::ranges::move(other.take(), std::back_inserter(made));
    }
    TITANS_TRY(std::vector<Stage> sampled, states(network, subject, input));
    std::ranges::move(sampled, std::back_inserter(made));
    return made;
}

}  // namespace titans::parity
