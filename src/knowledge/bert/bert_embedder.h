#pragma once

#include <cstdint>
#include <filesystem>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "engine/layers/device.h"
#include "knowledge/bert/network.h"
#include "knowledge/embedder.h"
#include "text/wordpiece.h"

namespace titans::knowledge::bert {

/// How the vectors of a text's tokens become the text's.
enum class Pooling : std::uint8_t { Mean, FirstToken };

/// What a model wants to read before a text.
struct Prompts {
    std::string query;
    std::string passage;
};

/// A sentence encoder (arXiv:1908.10084) on our own layers: all-MiniLM-L6-v2, e5, bge and their
/// like, converted by checkpoint/.
class BertEmbedder final : public Embedder {
public:
    /// `name` is what model() says. Int8 is not used: native_precision() is, instead. Errors:
    /// NotFound; Unsupported, naming what is missing in the file or not supported; Internal if
    /// there is no memory.
    static Result<std::unique_ptr<BertEmbedder>> load(const std::filesystem::path& file,
                                                      std::string name,
                                                      const engine::Compute& compute);

    const std::string& model() const override { return name_; }
    Result<std::vector<Embedding>> embed(std::span<const std::string> texts, TextRole role,
                                         std::stop_token stop) override;

    const Network& network() const { return network_; }
    /// The ids of the tokens that the network reads of `text`.
    std::vector<std::int32_t> tokens(std::string_view text) const;

private:
    struct Drawn {
        Network::Shape shape;
        Network::Nodes nodes;
        std::unique_ptr<engine::Graph> graph;
    };
    /// Texts that are computed together: `places` among all.
    struct Batch {
        Network::Shape shape;
        std::span<const std::size_t> places;
    };
    using Tokens = std::vector<std::vector<std::int32_t>>;

    BertEmbedder(std::string name, Network network, text::WordPiece pieces)
        : name_(std::move(name)), network_(std::move(network)), pieces_(std::move(pieces)) {}

    Batch next_batch(const Tokens& tokens, std::span<const std::size_t> places) const;
    Result<void> compute(const Batch& batch, const Tokens& tokens,
                         std::vector<Embedding>& embeddings, const std::stop_token& stop);
    Result<Drawn*> drawn(const Network::Shape& shape);
    Embedding pool(std::span<const float> rows) const;

    std::string name_;
    Network network_;
    text::WordPiece pieces_;
    Pooling pooling_ = Pooling::Mean;
    Prompts prompts_;
    std::size_t longest_ = 0;  // tokens of a text
    std::list<Drawn> drawn_;   // the last one used first
};

}  // namespace titans::knowledge::bert
