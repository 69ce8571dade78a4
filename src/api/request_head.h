#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace titans::api {

/// A request that goes no further, with what its sender is told.
struct Refusal {
    int status = 400;
    std::string message;
};

/// The first lines of a request, whole and well formed: what two readers cannot take in two ways.
struct RequestHead {
    std::string method;
    std::string path;  // as sent, without the query: begins with a slash, percent signs not decoded
    std::vector<std::pair<std::string, std::string>> headers;  // names in lower case
    std::uint64_t body_bytes = 0;                              // Content-Length
    bool chunked = false;

    /// The value of the first header of that name, given in lower case; empty if there is none.
    std::string_view header(std::string_view name) const;
};

/// A host as the Host header and Origin have it: "[::1]:5000" is {"::1", 5000}.
struct Authority {
    std::string host;  // lower case, without brackets
    std::optional<std::uint16_t> port;
};

/// Nothing if `text` is no name, no address, or has a port that is none.
std::optional<Authority> parse_authority(std::string_view text);

/// `text` is everything up to and with the empty line. 400 for what RFC 9112 does not allow, and
/// for what it allows and nobody sends: folded headers, absolute targets, two lengths.
std::expected<RequestHead, Refusal> parse_request_head(std::string_view text);

}  // namespace titans::api
