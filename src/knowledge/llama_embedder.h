#pragma once

#include <filesystem>
#include <memory>
#include <string>

#include "engine/llama/llama_encoder.h"
#include "knowledge/embedder.h"

namespace titans::knowledge {

/// A sentence encoder in a GGUF file, by libllama: all-MiniLM-L6-v2 (arXiv:1908.10084) and its
/// like, whose file says how the vectors of the tokens become that of the text.
class LlamaEmbedder final : public Embedder {
public:
    /// `name` is what model() says. Texts are cut after 256 tokens, or what the model was trained
    /// for. Errors: InvalidInput if `file` is no model; Unsupported if it is no encoder; Internal.
    static Result<std::unique_ptr<LlamaEmbedder>> load(const std::filesystem::path& file,
                                                       std::string name, int threads);

    const std::string& model() const override { return name_; }
    Result<std::vector<Embedding>> embed(std::span<const std::string> texts, TextRole role,
                                         std::stop_token stop) override;

private:
    LlamaEmbedder(std::string name, std::unique_ptr<engine::LlamaEncoder> encoder)
        : name_(std::move(name)), encoder_(std::move(encoder)) {}

    std::string name_;
    std::unique_ptr<engine::LlamaEncoder> encoder_;
};

}  // namespace titans::knowledge
