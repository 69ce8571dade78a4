#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "engine/layers/graph.h"
#include "engine/layers/stages.h"
#include "engine/layers/weights.h"
#include "foundation/error.h"
#include "hearing/whisper/token_reader.h"

namespace titans::hearing::whisper {

/// What is computed at a stage, row-major.
struct Stage {
    std::string name;
    std::vector<float> values;
};

struct NetworkSizes {
    int vocabulary = 0;
    int mels = 0;
    int width = 0;
    int encoder_layers = 0;
    int decoder_layers = 0;
    int encoder_heads = 0;
    int decoder_heads = 0;
    int encoder_hidden = 0;  // of the feed-forward layers
    int decoder_hidden = 0;
    int positions = 0;  // of the encoder, at most: 20 ms each
    int tokens = 0;     // of the decoder, at most
};

/// One of the decoder's heads.
struct Head {
    int layer = 0;
    int head = 0;
};

/// Whisper's encoder and decoder (arXiv:2212.04356; openai/whisper, model.py).
///
/// encode() a window, then read() tokens. Not thread-safe.
class Network final : public TokenReader {
public:
    /// Errors: Unsupported, naming what is missing or of another shape; Internal.
    static Result<std::unique_ptr<Network>> load(std::shared_ptr<const engine::GgufFile> file,
                                                 const engine::Compute& compute);

    const NetworkSizes& sizes() const { return sizes_; }

    /// Hears `mel`, [2 x positions, mels], of a window that may be shorter than the longest. What
    /// is read afterwards is about it. Errors: Cancelled; Internal.
    Result<void> encode(std::span<const float> mel, const std::stop_token& stop);

    Result<std::span<const float>> read(std::span<const int> tokens, int position,
                                        const std::stop_token& stop) override;
    Result<void> fork(int sequences, int length) override;
    Result<std::span<const float>> read_each(std::span<const int> tokens, int position,
                                             const std::stop_token& stop) override;
    void reorder(std::span<const int> sources, int length) override;

    /// Where `heads` look at while the decoder reads `tokens` from the beginning: shares,
    /// [heads, tokens, positions] of the window.
    Result<std::vector<float>> alignment(std::span<const int> tokens, std::span<const Head> heads,
                                         const std::stop_token& stop);

    /// All that is computed of a window and of `tokens` from the beginning.
    Result<std::vector<Stage>> stages(std::span<const float> mel, std::span<const int> tokens);

private:
    struct Attention {
        engine::Norm norm;
        engine::Linear in;  // queries, keys and values side by side; queries alone for the window
        engine::Linear out;
    };
    struct FeedForward {
        engine::Norm norm;
        engine::Linear in;
        engine::Linear out;
    };
    struct EncoderLayer {
        Attention attention;
        FeedForward feed_forward;
    };
    struct DecoderLayer {
        Attention attention;
        Attention window;              // attends to the encoder's output,
        engine::Linear window_values;  // of which these are the keys and values, side by side
        FeedForward feed_forward;
    };
    struct Reader {  // a graph of the decoder
        std::unique_ptr<engine::Graph> graph;
        engine::Node tokens = nullptr;
        engine::Node places = nullptr;
        engine::Node position = nullptr;
        engine::Node logits = nullptr;
    };
    struct Window {  // the graphs for one length
        int positions = 0;
        std::unique_ptr<engine::Graph> encoder;
        engine::Node mel = nullptr;
        std::map<std::pair<int, int>, Reader> readers;  // by sequences and tokens of each
    };
    struct Fork {
        std::unique_ptr<engine::KvCache> cache;
        std::unique_ptr<engine::Graph> graph;
    };
    struct DecoderInputs {
        engine::Node tokens = nullptr;    // I32, [rows]
        engine::Node places = nullptr;    // I32, [rows]: the position of each
        engine::Node position = nullptr;  // I32, [1]: of the first
    };

    Network(std::shared_ptr<const engine::GgufFile> file, const engine::Compute& compute);

    Result<void> load_sizes();
    Result<void> load_layers();
    Result<Attention> load_attention(const std::string& name, const std::string& norm);
    Result<FeedForward> load_feed_forward(const std::string& name, int hidden);

    engine::Node draw_encoder(engine::GraphBuilder& g, engine::Node mel,
                              const engine::StageSink& stage) const;
    /// Returns what the last layer's norm makes of each token, [rows, width].
    engine::Node draw_decoder(engine::GraphBuilder& g, const DecoderInputs& in,
                              const engine::KvCache& cache, const engine::StageSink& stage) const;
    engine::Node draw_feed_forward(engine::GraphBuilder& g, engine::Node x,
                                   const FeedForward& layer) const;
    static DecoderInputs draw_inputs(engine::GraphBuilder& g, std::int64_t rows);
    /// The shares of one head of the layer that attends to the window, [tokens, positions].
    engine::Node draw_shares(engine::GraphBuilder& g, engine::Node queries, Head head) const;

    Result<Window*> window(int positions);
    Result<Reader*> reader(int sequences, int tokens);
    Result<std::span<const float>> run(Reader& reader, std::span<const int> tokens, int each,
                                       int position, const std::stop_token& stop);

    NetworkSizes sizes_;
    engine::Compute compute_;
    engine::Weights weights_;
    engine::Conv1d conv1_;
    engine::Conv1d conv2_;
    engine::Node encoder_positions_ = nullptr;
    std::vector<EncoderLayer> encoder_;
    engine::Norm encoder_norm_;
    engine::Embedding words_;
    engine::Embedding places_;
    std::vector<DecoderLayer> decoder_;
    engine::Norm decoder_norm_;
    engine::Linear logits_;

    std::unique_ptr<engine::KvCache> heard_;  // of the window
    std::unique_ptr<engine::KvCache> said_;
    std::map<int, Fork> forks_;                     // by the number of hypotheses
    int sequences_ = 1;                             // that were forked last
    std::vector<std::unique_ptr<Window>> windows_;  // the last one used first
    std::vector<float> answer_;
};

}  // namespace titans::hearing::whisper
