#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "foundation/secret.h"
#include "net/address_policy.h"

namespace titans::net {

enum class Method : std::uint8_t { Get, Post, Put, Delete };

struct Header {
    std::string name;
    std::string value;
};

/// One field of a multipart form.
struct FormPart {
    std::string name;
    std::string value;
    std::filesystem::path file;  // not empty: sent in place of the value, under its own file name
    std::string content_type;    // empty: curl's guess for a file, none for a value
};

struct HttpRequest {
    Method method = Method::Get;
    std::string url;              // http or https, without a user name or password
    std::vector<Header> headers;  // nothing secret: they follow a redirect
    Secret bearer;                // sent as Authorization, to the origin of `url` alone
    std::string body;             // its Content-Type is one of the headers
    std::vector<FormPart> form;   // if there are any, multipart/form-data in place of the body
    int max_redirects = 0;        // followed for a GET, never from https to http
    /// Where it may go, if the url is a client's; null for the operator's own, which may go
    /// anywhere. No proxy is used with one: that would look up the name where nothing is checked.
    std::shared_ptr<const AddressPolicy> policy;

    std::uint64_t max_response_bytes = std::uint64_t{64} << 20;
    std::chrono::milliseconds connect_timeout{5000};  // with the look-up of the name
    std::chrono::milliseconds deadline{0};            // of the whole call; 0: none
    std::chrono::seconds stall_timeout{60};           // without a byte either way; 0: none
};

struct HttpResponse {
    int status = 0;
    std::vector<Header> headers;  // names in lower case
    std::string body;

    /// The first header of that name (in lower case); empty if there is none.
    std::string_view header(std::string_view name) const;
};

/// Takes the body of a 2xx answer piece by piece as it comes; `head` has all but the body. An
/// Error ends the call, which returns it.
using BodySink =
    std::move_only_function<Result<void>(const HttpResponse& head, std::string_view bytes)>;

/// The one way out over HTTP. Thread-safe; calls block, so make them on an executor.
class HttpClient {
public:
    HttpClient();

    /// Sends `request` and returns what came back, whatever its status. The body is in the
    /// answer, but a 2xx body goes to `sink` if there is one. `stop` ends the call at once.
    /// Errors, which name the host alone: InvalidInput for a url that is not http or https, a
    /// header that holds a line break, a file of the form that cannot be read; Forbidden if the
    /// policy allows none of the host's addresses; Upstream if the host is not found, refuses,
    /// breaks off or redirects to where the policy does not allow; Timeout; TooLarge; Cancelled;
    /// the sink's own.
    Result<HttpResponse> send(const HttpRequest& request, BodySink sink,
                              const std::stop_token& stop) const;
};

/// Whether both are http or https urls of the same scheme, host and port.
bool same_origin(std::string_view a, std::string_view b);

/// "example.org:8080" of a url, for messages; empty if it is not http or https.
std::string host_of(std::string_view url);

}  // namespace titans::net
