#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "engine/layers/graph.h"
#include "engine/layers/stages.h"
#include "engine/layers/weights.h"
#include "foundation/error.h"
#include "voice/f5tts/network.h"

namespace titans::voice::f5tts {

/// What the network is told of the speech that it makes, the same at every moment. Of both branches
/// of the guidance, one after the other: the second knows neither recording nor text.
struct Conditions {
    int frames = 0;
    int branches = 1;
    std::vector<std::int32_t> ids;  // [branches x frames], rows of the text's table; 0: filler
    std::vector<float> positions;   // [branches x frames, text_dim]
    std::vector<float> known;       // [branches x frames]: 1 where there is text, else 0
    std::vector<float> mel;         // [branches x frames, mel_dim]: of the recording, then zeros
};

/// text: ids of the vocabulary, of which those beyond `frames` count for nothing.
Conditions conditions_of(const Config& config, std::span<const std::int32_t> text,
                         std::span<const float> reference, int frames, int branches);

/// The diffusion transformer: its parameters but those of the modulation, and how it is drawn
/// (f5_tts/model/backbones/dit.py and modules.py). Immutable.
class Transformer {
public:
    /// Errors: Unsupported, naming the tensor that `file` lacks; Internal.
    static Result<std::unique_ptr<const Transformer>> load(
        std::shared_ptr<const engine::GgufFile> file, const Config& config,
        const engine::Compute& compute);

    /// What Conditions hold, as nodes of those shapes.
    struct ConditionNodes {
        engine::Node ids = nullptr;
        engine::Node positions = nullptr;
        engine::Node known = nullptr;
        engine::Node mel = nullptr;
    };
    static ConditionNodes inputs(engine::GraphBuilder& graph, const Config& config,
                                 const Conditions& conditions);
    static void write(engine::Graph& graph, const ConditionNodes& nodes,
                      const Conditions& conditions);

    /// What the conditions add to the input of every step: [branches x frames, dim].
    /// Stages: text, [branches x frames, text_dim].
    engine::Node draw_conditions(engine::GraphBuilder& graph, const ConditionNodes& nodes,
                                 int branches, const engine::StageSink& stage = {}) const;

    struct StepNodes {
        engine::Node noisy = nullptr;       // [branches x frames, mel_dim]
        engine::Node conditions = nullptr;  // what draw_conditions() made
        engine::Node modulation = nullptr;  // [1, modulation_width()]
    };
    /// The velocity, [branches x frames, mel_dim]. In parts (GraphBuilder::cut()) of some tenth of
    /// a second on a small processor. Stages: input; block.N, from 1; velocity.
    engine::Node draw_step(engine::GraphBuilder& graph, const StepNodes& nodes, int branches,
                           const engine::StageSink& stage = {}) const;

private:
    struct TextBlock {
        engine::Conv1d conv;
        engine::Norm norm;
        engine::Linear wide;
        engine::Norm response;
        engine::Linear narrow;
    };
    struct Block {
        engine::Linear in;  // queries, keys and values side by side
        engine::Linear attended;
        engine::Linear wide;
        engine::Linear narrow;
    };

    Transformer() = default;
    /// What takes little time and everything hangs on: never in bytes.
    Result<engine::Linear> exact(const std::string& name, int in, int out);
    Result<void> load_text();
    Result<void> load_blocks();

    Config config_;
    std::shared_ptr<engine::Device> device_;  // outlives the weights on it
    std::unique_ptr<engine::Weights> weights_;
    engine::Embedding table_;
    std::vector<TextBlock> text_blocks_;
    engine::Linear noisy_in_;  // the input's projection, taken apart
    engine::Linear mel_in_;
    engine::Linear text_in_;
    engine::Conv1d position_[2];
    std::vector<Block> blocks_;
    engine::Linear out_;
};

}  // namespace titans::voice::f5tts
