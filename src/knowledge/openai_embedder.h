#pragma once

#include <string>

#include "foundation/secret.h"
#include "knowledge/embedder.h"

namespace titans::net {
class HttpClient;
}  // namespace titans::net

namespace titans::knowledge {

/// Vectors from an OpenAI-compatible API: POST <base_url>/embeddings. The texts leave this machine.
class OpenAiEmbedder final : public Embedder {
public:
    struct Options {
        std::string base_url;  // the operator's own: it may be anywhere
        std::string model;
        Secret api_key;  // empty: none is sent
    };

    OpenAiEmbedder(const net::HttpClient& client, Options options)
        : client_(client), options_(std::move(options)) {}

    const std::string& model() const override { return options_.model; }
    /// Errors: Upstream with the API's own message, without any piece of the key; Cancelled.
    Result<std::vector<Embedding>> embed(std::span<const std::string> texts,
                                         std::stop_token stop) override;

private:
    const net::HttpClient& client_;
    const Options options_;
};

}  // namespace titans::knowledge
