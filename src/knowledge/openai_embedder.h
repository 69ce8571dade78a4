#pragma once

#include <chrono>
#include <string>

#include "foundation/secret.h"
#include "knowledge/embedder.h"

namespace titans::net {
class HttpClient;
}  // namespace titans::net

namespace titans::knowledge {

/// Vectors from an OpenAI-compatible API: POST <base_url>/embeddings. The texts leave this machine.
///
/// Unlike other embedders it is thread-safe: it keeps nothing between calls.
class OpenAiEmbedder final : public Embedder {
public:
    struct Options {
        std::string base_url;  // the operator's own: it may be anywhere
        std::string model;
        Secret api_key;                              // empty: none is sent
        std::chrono::milliseconds first_pause{500};  // before the second try; then twice as long
    };

    OpenAiEmbedder(const net::HttpClient& client, Options options)
        : client_(client), options_(std::move(options)) {}

    /// The name of the API's model alone: who moves to another base_url, whose model of that name
    /// may be another one, must name it otherwise or embed anew.
    const std::string& model() const override { return options_.model; }

    /// Sends batches of up to 64 texts, each cut after 8,000 bytes. 429, 5xx and failed connections
    /// are tried again as in OpenAiMind. Errors: Upstream "EMBEDDING_MODEL: ..." with the API's own
    /// message, without any piece of the key, or because what it sent are not as many vectors of
    /// one dimension (1 to 8,192) and of finite numbers; InvalidInput for a base_url or a key that
    /// cannot be one; Timeout; Cancelled.
    Result<std::vector<Embedding>> embed(std::span<const std::string> texts, TextRole role,
                                         std::stop_token stop) override;

private:
    const net::HttpClient& client_;
    const Options options_;
};

}  // namespace titans::knowledge
