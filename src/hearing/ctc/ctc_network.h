#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "engine/layers/device.h"
#include "engine/layers/graph.h"
#include "engine/layers/stages.h"
#include "engine/layers/weights.h"
#include "hearing/ctc/ctc_config.h"

namespace titans::hearing::ctc {

/// Wav2Vec2 (arXiv:2006.11477) and HuBERT (arXiv:2106.07447) with a CTC head: convolutions over the
/// samples, a transformer over their frames, the probabilities of letters (transformers,
/// modeling_wav2vec2.py and modeling_hubert.py). Immutable.
class CtcNetwork {
public:
    /// Errors: Unsupported, naming the tensor that `file` lacks; Internal.
    static Result<CtcNetwork> load(std::shared_ptr<const engine::GgufFile> file,
                                   const CtcConfig& config, const engine::Compute& compute);

    const CtcConfig& config() const { return config_; }
    engine::Device& device() const { return weights_->device(); }

    /// samples: [count, 1], scaled as the model wants them, at least config().receptive_field() of
    /// them. Returns the logits, [config().frames(count), config().vocabulary].
    ///
    /// Stages: features.N (behind convolution N, from 0), projection, position (with the positional
    /// convolution added), norm (the encoder's), block.N (from 1), logits.
    engine::Node draw(engine::GraphBuilder& graph, engine::Node samples,
                      const engine::StageSink& stage = {}) const;

private:
    struct Convolution {
        engine::Conv1d conv;
        std::optional<engine::Norm> norm;
    };
    struct Block {
        engine::Linear query;
        engine::Linear key;
        engine::Linear value;
        engine::Linear attended;
        engine::Norm attention_norm;
        engine::Linear wide;
        engine::Linear narrow;
        engine::Norm final_norm;
    };

    CtcNetwork() = default;

    engine::Node draw_block(engine::GraphBuilder& graph, engine::Node x, const Block& block) const;
    engine::Node attend(engine::GraphBuilder& graph, engine::Node x, engine::Node residual,
                        const Block& block) const;

    CtcConfig config_;
    std::shared_ptr<engine::Device> device_;  // outlives the weights on it
    std::unique_ptr<engine::Weights> weights_;
    std::vector<Convolution> convolutions_;
    std::optional<engine::Norm> feature_norm_;
    engine::Linear projection_;
    engine::Conv1d position_;
    engine::Norm norm_;
    std::vector<Block> blocks_;
    engine::Linear head_;
};

}  // namespace titans::hearing::ctc
