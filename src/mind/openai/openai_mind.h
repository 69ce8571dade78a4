#pragma once

#include <memory>
#include <string>

#include "foundation/secret.h"
#include "mind/language_model.h"

namespace titans::net {
class AddressPolicy;
class HttpClient;
}  // namespace titans::net

namespace titans::mind {

/// Which API's which model, and with what key.
struct OpenAiTarget {
    std::string base_url;  // "https://api.openai.com/v1", with or without a slash at its end
    std::string model;
    Secret api_key;  // empty: none is sent
    /// What a client's base_url must obey; null for the operator's own, which may be anywhere.
    std::shared_ptr<const net::AddressPolicy> policy;
};

/// A language model behind an OpenAI-compatible API: POST <base_url>/chat/completions, streamed.
///
/// Answers of 429 and 5xx are tried again, at most three times, with growing pauses or as long as
/// Retry-After says, as long as nothing was streamed yet and `stop` has not fired. Holds no
/// connection between calls, so making one for each answer costs nothing.
class OpenAiMind final : public LanguageModel {
public:
    OpenAiMind(const net::HttpClient& client, OpenAiTarget target)
        : client_(client), target_(std::move(target)) {}

    /// Errors: InvalidInput naming llm_config.base_url if it is no http url or leads to an address
    /// that is not allowed; Upstream with the API's own message, in which no piece of the key of 8
    /// or more characters is left; Cancelled.
    Result<Completion> generate(const Prompt& prompt, const GenerationOptions& options,
                                const TextSink& on_text, std::stop_token stop) override;

    /// Nothing to do: what an API keeps of a prompt is its own affair.
    Result<void> prepare(const Prompt&, std::stop_token) override { return {}; }

    /// What an API's context holds is not known: true.
    Result<bool> fits(const Prompt&, const GenerationOptions&) override { return true; }

private:
    const net::HttpClient& client_;
    const OpenAiTarget target_;
};

}  // namespace titans::mind
