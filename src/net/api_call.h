#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "foundation/error.h"
#include "foundation/secret.h"
#include "net/http_client.h"

namespace titans::net {

/// A POST of JSON to an OpenAI-compatible API.
struct ApiCall {
    std::string field;     // what messages begin with: the setting that chose the API
    std::string base_url;  // "https://api.openai.com/v1", a slash or `path` at its end or not
    std::string path;      // "/chat/completions"
    std::string body;      // JSON
    Secret key;            // empty: none is sent
    std::shared_ptr<const AddressPolicy> policy;  // as in HttpRequest

    std::uint64_t max_response_bytes = std::uint64_t{64} << 20;
    std::chrono::milliseconds deadline{std::chrono::minutes(10)};  // of each try
    std::chrono::milliseconds first_pause{500};  // before the second try; then twice as long
};

/// Sends `call` and returns what came back in the end, whatever its status. `sink` as
/// HttpClient::send().
///
/// 429, 5xx and a connection that fails are tried again, at most three times: after a pause that
/// grows and varies by chance, or that Retry-After asks for; if that is more than a minute, not at
/// all. Never once the sink was called. `stop` ends call and pause at once. Redirects are not
/// followed. No message or detail has any piece of the key. Errors: InvalidInput naming
/// `field`.base_url if it leads to an address that the policy does not allow; InvalidInput for a
/// bad url or key; Upstream; Timeout; Cancelled; the sink's own.
Result<HttpResponse> call_api(const HttpClient& client, const ApiCall& call, BodySink sink,
                              const std::stop_token& stop);

/// The Error for an answer that is no success: "llm_config: the API at api.openai.com answered 429:
/// " and the upstream's own message, if it sent one: up to 300 characters, without control
/// characters and without any piece of the key.
Error answer_error(const ApiCall& call, const HttpResponse& response);

/// An Upstream error "llm_config: the API at api.openai.com " + `what` + ": " + `words`, which are
/// the upstream's own and treated as in answer_error(); they may be empty.
Error api_error(const ApiCall& call, std::string_view what, std::string_view words = {});

/// What `body`, a JSON object, says of an error: error.message, or what other servers have there.
/// Empty if it says nothing.
std::string error_words(std::string_view body);

/// Whether `url` can be the base_url of an API: http or https, with a host in ASCII, without user
/// name, password, query and fragment, of at most 2,000 bytes. Errors: InvalidInput, which the
/// caller puts the field's name in front of ("must begin with http:// or https://").
Result<void> check_api_url(std::string_view url);

}  // namespace titans::net
