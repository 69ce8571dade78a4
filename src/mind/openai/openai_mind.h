#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "foundation/secret.h"
#include "mind/language_model.h"

namespace titans::net {
class AddressPolicy;
class HttpClient;
}  // namespace titans::net

namespace titans::mind {

/// Which API's which model, and with what key.
struct OpenAiTarget {
    std::string base_url;  // "https://api.openai.com/v1"; a slash or /chat/completions at its end
                           // does not matter
    std::string model;
    Secret api_key;  // empty: none is sent
    /// What a client's base_url must obey; null for the operator's own, which may be anywhere.
    std::shared_ptr<const net::AddressPolicy> policy;
    std::chrono::milliseconds first_pause{500};  // before the second try; then twice as long
};

/// A language model behind an OpenAI-compatible API: POST <base_url>/chat/completions, streamed.
///
/// Answers of 429 and 5xx and connections that fail are tried again, at most three times, with
/// growing pauses or as long as Retry-After says (if that is at most a minute), as long as nothing
/// was streamed yet and `stop` has not fired. Redirects are not followed. Holds no connection
/// between calls, so making one for each answer costs nothing. Of the options, top_k, min_p and
/// repeat_penalty are not sent, and to a model that thinks before it answers (o1, o3, gpt-5 and
/// their like) neither temperature nor top_p, which those refuse.
class OpenAiMind final : public LanguageModel {
public:
    OpenAiMind(const net::HttpClient& client, OpenAiTarget target)
        : client_(client), target_(std::move(target)) {}

    /// Token counts are the API's own; if it sends none, that of the answer is the number of its
    /// pieces. Stop strings hold whatever the API makes of them, and the answer ends (truncated)
    /// where it is far longer than max_tokens allow. Errors: InvalidInput naming
    /// llm_config.base_url if it is no http url or leads to an address that is not allowed;
    /// Upstream with the API's own message, in which no piece of the key of 8 or more characters is
    /// left; Timeout; Cancelled. Some of the text may have gone to `on_text` before an Upstream,
    /// Timeout or Cancelled.
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

/// Whether `url` can be an OpenAiTarget's base_url. Errors: InvalidInput, "llm_config.base_url:
/// must ...".
Result<void> check_base_url(std::string_view url);

/// Whether two urls have scheme, host and port in common, so that the key for one may go to the
/// other. False if one of them is not a http or https url.
bool is_same_origin(std::string_view a, std::string_view b);

}  // namespace titans::mind
