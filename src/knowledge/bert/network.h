#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/ggml/gguf_file.h"
#include "engine/layers/device.h"
#include "engine/layers/graph.h"
#include "engine/layers/stages.h"
#include "engine/layers/weights.h"
#include "foundation/error.h"

namespace titans::knowledge::bert {

/// What the model file says of the network.
struct Config {
    int width = 0;
    int layers = 0;
    int heads = 0;
    int feed_forward = 0;
    int vocabulary = 0;
    int positions = 0;  // rows of the table of positions
    int token_types = 0;
    float epsilon = 0;  // of the norms

    /// Errors: Unsupported, naming the key, if one is missing or out of bounds.
    static Result<Config> read(const engine::GgufFile& file);
};

/// The encoder of BERT (arXiv:1810.04805; transformers, models/bert/modeling_bert.py): a vector for
/// each token of texts. Immutable.
class Network {
public:
    /// A number of texts that are computed at once, padded to equal length.
    struct Shape {
        int texts = 1;
        int length = 1;  // at most Config::positions

        bool operator==(const Shape&) const = default;
        int tokens() const { return texts * length; }
    };
    struct Nodes {
        engine::Node ids = nullptr;      // I32, [texts x length]
        engine::Node lengths = nullptr;  // I32, [texts]: without padding
        engine::Node out = nullptr;      // [texts x length, width]
    };

    /// Errors: Unsupported, naming what the file lacks; Internal if there is no memory.
    static Result<Network> load(std::shared_ptr<const engine::GgufFile> file,
                                const engine::Compute& compute);

    const Config& config() const { return config_; }
    engine::Device& device() const { return weights_->device(); }

    /// Stages: "embeddings", "block.1", "block.2" and so on.
    Nodes draw(engine::GraphBuilder& graph, const Shape& shape,
               const engine::StageSink& stages = {}) const;

private:
    struct Block {
        engine::Linear query_key_value;
        engine::Linear attention_out;
        engine::Norm attention_norm;
        engine::Linear up;
        engine::Linear down;
        engine::Norm norm;
    };

    Network() = default;

    Result<void> add_block(int number);
    engine::Node embed(engine::GraphBuilder& graph, engine::Node ids, const Shape& shape) const;

    Config config_;
    std::shared_ptr<engine::Device> device_;
    std::unique_ptr<engine::Weights> weights_;
    engine::Embedding words_;
    ggml_tensor* positions_ = nullptr;  // [positions, width]
    ggml_tensor* types_ = nullptr;      // [token types, width]
    engine::Norm embeddings_norm_;
    std::vector<Block> blocks_;
};

}  // namespace titans::knowledge::bert
