#include "api/request_gate.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace titans::api {
namespace {

constexpr std::size_t kMaxHeadBytes = 32 << 10;
constexpr std::size_t kMaxChunkLine = 128;
constexpr std::chrono::seconds kHeadTime{15};
// A body may take this long, and then as long as this rate needs.
constexpr std::chrono::seconds kBodyTime{60};
constexpr std::uint64_t kBytesPerSecond = 8 << 10;

constexpr std::array<std::string_view, 7> kMethods{"GET",    "HEAD",  "POST",   "PUT",
                                                   "DELETE", "PATCH", "OPTIONS"};

/// Compares without telling by its time how much was right, or how long `wanted` is.
bool same_secret(std::string_view given, std::string_view wanted) {
    unsigned char difference = given.size() == wanted.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        difference |= static_cast<unsigned char>(given[i] ^ wanted[i % wanted.size()]);
    }
    return difference == 0;
}

/// Everything but the greeting and the media, whose names nobody can guess, wants the key where
/// there is one.
bool is_authorized(const RequestHead& head, const Secret& api_key) {
    if (api_key.empty()) return true;
    if (head.path == "/" || head.path.starts_with("/serve-audio/") ||
        head.path.starts_with("/serve-image/")) {
        return true;
    }
    const std::string_view bearer = head.header("authorization");
    const std::string_view given =
        bearer.starts_with("Bearer ") ? bearer.substr(7) : head.header("x-api-key");
    return same_secret(given, api_key.reveal());
}

bool is_address(const std::string& host) {
    in_addr v4{};
    in6_addr v6{};
    return inet_pton(AF_INET, host.c_str(), &v4) == 1 ||
           inet_pton(AF_INET6, host.c_str(), &v6) == 1;
}

/// A page may point its own name at this machine (DNS rebinding); a request by that name is the
/// page's, whatever its Origin says.
bool is_known_host(const std::string& host, const GateRules& rules) {
    return host == "localhost" || is_address(host) ||
           std::ranges::contains(rules.allowed_hosts, host);
}

struct Origin {
    std::string scheme;
    std::string host;
    std::uint16_t port;
    bool operator==(const Origin&) const = default;
};

/// Of an Origin header or of the beginning of a URL. Nothing for "null" and what is none.
std::optional<Origin> parse_origin(std::string_view text) {
    const std::size_t slashes = text.find("://");
    if (slashes == std::string_view::npos) return std::nullopt;
    const std::string_view scheme = text.substr(0, slashes);
    if (scheme != "http" && scheme != "https") return std::nullopt;
    const auto authority = parse_authority(text.substr(slashes + 3));
    if (!authority) return std::nullopt;
    const std::uint16_t standard = scheme == "http" ? 80 : 443;
    return Origin{std::string(scheme), authority->host, authority->port.value_or(standard)};
}

/// False if another site's page, in somebody's browser, wants to change something here.
bool is_same_origin(const RequestHead& head, const Authority& host, const std::string& public_url) {
    if (head.method == "GET" || head.method == "HEAD" || head.method == "OPTIONS") return true;
    const std::string_view given = head.header("origin");
    if (given.empty()) return true;  // no page sends it
    const auto origin = parse_origin(given);
    if (!origin) return false;
    // Behind a proxy the page's scheme may be https.
    for (const std::string_view scheme : {"http", "https"}) {
        const std::uint16_t standard = scheme == "http" ? 80 : 443;
        if (*origin == Origin{std::string(scheme), host.host, host.port.value_or(standard)})
            return true;
    }
    const std::size_t path = public_url.find('/', public_url.find("://") + 3);
    return !public_url.empty() && origin == parse_origin(public_url.substr(0, path));
}

}  // namespace

std::optional<Refusal> judge(const RequestHead& head, const GateRules& rules) {
    if (!is_authorized(head, rules.api_key))
        return Refusal{401, "this server wants its key: Authorization: Bearer KEY"};
    const auto host = parse_authority(head.header("host"));
    if (!host) return Refusal{400, "Host: is malformed"};
    if (!is_known_host(host->host, rules)) {
        return Refusal{403,
                       "Host: this server does not go by that name; its operator can add it to "
                       "ALLOWED_HOSTS"};
    }
    if (!is_same_origin(head, *host, rules.public_url))
        return Refusal{403, "Origin: another site may not change anything here"};
    if (!std::ranges::contains(kMethods, head.method))
        return Refusal{405, head.method.substr(0, 20) + " is not allowed here"};
    if (head.body_bytes > rules.max_body_bytes)
        return Refusal{413, "the request is larger than this server takes (MAX_UPLOAD_MB)"};
    if (!head.header("sec-websocket-key").empty() || !head.header("upgrade").empty())
        return Refusal{400, "Upgrade: only HTTP/1.1 is spoken here"};
    const std::string_view expect = head.header("expect");
    if (!expect.empty() && expect != "100-continue")
        return Refusal{417, "Expect: only 100-continue is understood"};
    return std::nullopt;
}

std::optional<Refusal> RequestGate::take(std::string_view bytes, const Forward& forward,
                                         Clock::time_point now) {
    std::optional<Refusal> refusal;
    std::string passing;
    while (!bytes.empty() && !refusal && state_ != State::Refused)
        refusal = step(bytes, passing, now);
    if (refusal) state_ = State::Refused;
    if (!passing.empty()) forward(passing);
    return refusal;
}

bool RequestGate::is_too_slow(Clock::time_point now) const {
    if (!began_) return false;
    if (state_ == State::Head || state_ == State::Refused) return now - *began_ > kHeadTime;
    return now - *began_ > kBodyTime + std::chrono::seconds(body_size_ / kBytesPerSecond);
}

std::optional<Refusal> RequestGate::step(std::string_view& bytes, std::string& passing,
                                         Clock::time_point now) {
    switch (state_) {
        case State::Head:
            return take_head(bytes, passing, now);
        case State::Body:
        case State::ChunkData:
            return take_body(bytes, passing);
        case State::ChunkSize:
            return take_chunk_size(bytes, passing);
        case State::ChunkEnd:
            return take_line_end(bytes, passing, State::ChunkSize);
        case State::LastChunkEnd:
            return take_line_end(bytes, passing, State::Head);
        case State::Refused:
            return std::nullopt;
    }
    return std::nullopt;
}

std::optional<Refusal> RequestGate::take_head(std::string_view& bytes, std::string& passing,
                                              Clock::time_point now) {
    if (!began_) began_ = now;
    method_is_head_ = false;
    constexpr std::string_view kEnd = "\r\n\r\n";
    const std::size_t before = line_.size();
    line_.append(bytes.substr(0, kMaxHeadBytes + kEnd.size() - std::min(before, kMaxHeadBytes)));
    // What is no method will be no request either: TLS, another protocol, an empty line.
    if (line_.front() < 'A' || line_.front() > 'Z')
        return Refusal{400, "the request line is malformed"};
    const std::size_t end = line_.find(kEnd, before < 3 ? 0 : before - 3);
    if (end == std::string::npos) {
        if (line_.size() > kMaxHeadBytes)
            return Refusal{431, "the request's headers are too large"};
        bytes = {};
        return std::nullopt;
    }
    line_.resize(end + kEnd.size());
    bytes.remove_prefix(line_.size() - before);
    const auto head = parse_request_head(line_);
    if (!head) return head.error();
    method_is_head_ = head->method == "HEAD";
    if (auto refusal = judge(*head, rules_)) return refusal;
    passing += line_;
    line_.clear();
    if (head->chunked) {
        state_ = State::ChunkSize;
    } else if (head->body_bytes > 0) {
        state_ = State::Body;
        left_ = body_size_ = head->body_bytes;
    } else {
        expect_request();
    }
    return std::nullopt;
}

std::optional<Refusal> RequestGate::take_body(std::string_view& bytes, std::string& passing) {
    // The HTTP library behind does not know what to do on a full disk: it tries for ever.
    if (body_size_ > rules_.max_body_in_memory && !rules_.has_room(left_))
        return Refusal{503, "the server's disk has no room for the request"};
    const std::size_t count = std::min<std::uint64_t>(left_, bytes.size());
    passing.append(bytes.substr(0, count));
    bytes.remove_prefix(count);
    left_ -= count;
    if (left_ > 0) return std::nullopt;
    if (state_ == State::Body) {
        expect_request();
    } else {
        state_ = State::ChunkEnd;
    }
    return std::nullopt;
}

std::optional<Refusal> RequestGate::take_chunk_size(std::string_view& bytes, std::string& passing) {
    const std::size_t end = bytes.find('\n');
    const std::size_t count = end == std::string_view::npos ? bytes.size() : end + 1;
    line_.append(bytes.substr(0, std::min(count, kMaxChunkLine + 1)));
    bytes.remove_prefix(count);
    if (line_.size() > kMaxChunkLine) return Refusal{400, "a chunk of the body is malformed"};
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view line(line_);
    std::uint32_t size = 0;
    const auto [rest, error] =
        std::from_chars(line.data(), line.data() + line.size(), size, /*base=*/16);
    const bool bare = rest == line.data() + line.size() - 2;
    if (error != std::errc() || !line.ends_with("\r\n") || !(bare || *rest == ';'))
        return Refusal{400, "a chunk of the body is malformed"};
    if (body_size_ + size > rules_.max_body_bytes)
        return Refusal{413, "the request is larger than this server takes (MAX_UPLOAD_MB)"};
    body_size_ += size;
    left_ = size;
    passing += line_;
    line_.clear();
    state_ = size > 0 ? State::ChunkData : State::LastChunkEnd;
    return std::nullopt;
}

std::optional<Refusal> RequestGate::take_line_end(std::string_view& bytes, std::string& passing,
                                                  State next) {
    constexpr std::string_view kEnd = "\r\n";
    while (!bytes.empty() && line_.size() < kEnd.size()) {
        if (bytes.front() != kEnd[line_.size()])
            return Refusal{400, "a chunk of the body is malformed"};
        line_ += bytes.front();
        bytes.remove_prefix(1);
    }
    if (line_.size() < kEnd.size()) return std::nullopt;
    passing += line_;
    line_.clear();
    state_ = next;
    if (next == State::Head) expect_request();
    return std::nullopt;
}

void RequestGate::expect_request() {
    state_ = State::Head;
    left_ = 0;
    body_size_ = 0;
    began_.reset();
}

}  // namespace titans::api
