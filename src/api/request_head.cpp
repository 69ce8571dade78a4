#include "api/request_head.h"

#include <algorithm>
#include <charconv>

namespace titans::api {
namespace {

constexpr std::size_t kMaxHeaders = 100;
// Routes are regular expressions to the HTTP library, whose matching takes stack for each byte.
constexpr std::size_t kMaxTarget = 2048;

bool is_alphanumeric(unsigned char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// A name of a method or header (RFC 9110, 5.6.2).
bool is_token(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](unsigned char c) {
        return is_alphanumeric(c) ||
               std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
    });
}

bool is_header_value(std::string_view text) {
    return std::ranges::all_of(
        text, [](unsigned char c) { return (c >= ' ' && c != 0x7f) || c == '\t'; });
}

std::string lower(std::string_view text) {
    std::string result(text);
    for (char& c : result) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return result;
}

std::string_view trim(std::string_view text) {
    const std::size_t first = text.find_first_not_of(" \t");
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

/// Digits and nothing else.
template <typename Number>
std::optional<Number> parse_digits(std::string_view text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

std::unexpected<Refusal> malformed(std::string message) {
    return std::unexpected(Refusal{400, std::move(message)});
}

std::expected<void, Refusal> read_request_line(RequestHead& head, std::string_view line) {
    const std::size_t first = line.find(' ');
    const std::size_t last = line.rfind(' ');
    if (first == std::string_view::npos || first == last)
        return malformed("the request line is malformed");
    head.method = line.substr(0, first);
    const std::string_view target = line.substr(first + 1, last - first - 1);
    const std::string_view version = line.substr(last + 1);
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return malformed("the request is not HTTP/1.1");
    const auto visible = [](unsigned char c) { return c > ' ' && c < 0x7f; };
    if (!is_token(head.method) || !target.starts_with('/') ||
        !std::ranges::all_of(target, visible)) {
        return malformed("the request line is malformed");
    }
    if (target.size() > kMaxTarget) return std::unexpected(Refusal{414, "the address is too long"});
    head.path = target.substr(0, target.find('?'));
    return {};
}

/// What the headers say about the body's length.
std::expected<void, Refusal> read_framing(RequestHead& head) {
    int hosts = 0;
    int lengths = 0;
    int encodings = 0;
    for (const auto& [name, value] : head.headers) {
        if (name == "host") ++hosts;
        if (name == "content-length") {
            ++lengths;
            const auto bytes = parse_digits<std::uint64_t>(value);
            if (!bytes) return malformed("Content-Length: must be a number");
            head.body_bytes = *bytes;
        }
        if (name == "transfer-encoding") {
            ++encodings;
            // Spelled as the parser behind this knows it.
            if (value != "chunked") return malformed("Transfer-Encoding: must be chunked");
            head.chunked = true;
        }
    }
    if (hosts != 1) return malformed("Host: is required, once");
    if (lengths + encodings > 1)
        return malformed("Content-Length: the length of the body is given twice");
    return {};
}

}  // namespace

std::string_view RequestHead::header(std::string_view name) const {
    const auto found =
        std::ranges::find(headers, name, &std::pair<std::string, std::string>::first);
    return found == headers.end() ? std::string_view() : found->second;
}

std::optional<Authority> parse_authority(std::string_view text) {
    Authority authority;
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[')) {
        const std::size_t end = text.find(']');
        if (end == std::string_view::npos) return std::nullopt;
        authority.host = lower(text.substr(1, end - 1));
        const auto of_address = [](char c) {
            return std::string_view("0123456789abcdef:.").contains(c);
        };
        if (!std::ranges::all_of(authority.host, of_address) || !authority.host.contains(':'))
            return std::nullopt;
        port = text.substr(end + 1);
        has_port = !port.empty();
        if (has_port && !port.starts_with(':')) return std::nullopt;
        if (has_port) port.remove_prefix(1);
    } else {
        const std::size_t colon = text.find(':');
        has_port = colon != std::string_view::npos;
        if (has_port) port = text.substr(colon + 1);
        authority.host = lower(text.substr(0, colon));
        const auto of_name = [](unsigned char c) {
            return is_alphanumeric(c) || c == '.' || c == '-' || c == '_';
        };
        if (authority.host.empty() || !std::ranges::all_of(authority.host, of_name))
            return std::nullopt;
    }
    if (has_port) {
        authority.port = parse_digits<std::uint16_t>(port);
        if (!authority.port) return std::nullopt;
    }
    return authority;
}

std::expected<RequestHead, Refusal> parse_request_head(std::string_view text) {
    RequestHead head;
    const auto take_line = [&text] {
        const std::size_t end = text.find("\r\n");
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(line.size() + 2, text.size()));
        return line;
    };
    if (const auto read = read_request_line(head, take_line()); !read)
        return std::unexpected(read.error());
    for (std::string_view line = take_line(); !line.empty(); line = take_line()) {
        if (head.headers.size() == kMaxHeaders)
            return std::unexpected(Refusal{431, "the request has too many headers"});
        const std::size_t colon = line.find(':');
        if (colon == std::string_view::npos || !is_token(line.substr(0, colon)) ||
            !is_header_value(line.substr(colon + 1))) {
            return malformed("a header is malformed");
        }
        head.headers.emplace_back(lower(line.substr(0, colon)),
                                  std::string(trim(line.substr(colon + 1))));
    }
    if (const auto read = read_framing(head); !read) return std::unexpected(read.error());
    return head;
}

}  // namespace titans::api
