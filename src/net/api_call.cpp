#include "net/api_call.h"

#include <curl/curl.h>

#include <algorithm>
#include <charconv>
#include <condition_variable>
#include <ctime>
#include <format>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>

#include "foundation/log.h"
#include "net/redact.h"

namespace titans::net {
namespace {

using nlohmann::json;
using std::chrono::milliseconds;

constexpr int kMaxRetries = 3;
constexpr milliseconds kLongestWait{60'000};
constexpr std::size_t kMaxWords = 300;         // characters
constexpr std::size_t kMaxWordsRead = 16'384;  // bytes
constexpr int kMaxDepth = 16;
constexpr std::size_t kMaxUrl = 2'000;

std::string url_of(const ApiCall& call) {
    std::string_view base = call.base_url;
    const auto trim = [&] {
        while (base.ends_with('/')) base.remove_suffix(1);
    };
    trim();
    if (base.ends_with(call.path)) base.remove_suffix(call.path.size());
    trim();
    return std::string(base) + call.path;
}

/// With U+FFFD for what is not UTF-8.
std::string to_utf8(const std::string& bytes) {
    const std::string quoted = json(bytes).dump(-1, ' ', false, json::error_handler_t::replace);
    return json::parse(quoted, nullptr, /*allow_exceptions=*/false).get<std::string>();
}

/// `text` for people: one line without control characters, without the key, not long.
std::string clean(std::string_view text, const Secret& key) {
    text = text.substr(0, kMaxWordsRead);
    std::string line;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        if (byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0)
            ++i;  // U+0080 to U+009F
        else if (text[i] == '\n' || text[i] == '\t')
            line += ' ';
        else if (byte >= 0x20 && byte != 0x7F)
            line += text[i];
    }
    line = redact(line, key);
    std::size_t characters = 0;
    for (std::size_t i = 0; i < line.size(); ++i) {
        const bool begins = (static_cast<unsigned char>(line[i]) & 0xC0) != 0x80;
        if (begins && ++characters > kMaxWords) {
            line.resize(i);
            line += "...";
            break;
        }
    }
    return to_utf8(line);
}

bool is_worth_a_retry(int status) { return status == 429 || (status >= 500 && status <= 599); }

/// How long Retry-After asks to wait; nothing if it does not.
std::optional<milliseconds> retry_after(const HttpResponse& response) {
    const std::string value(response.header("retry-after"));
    if (value.empty()) return std::nullopt;
    double seconds = 0;
    const char* const end = value.data() + value.size();
    const auto read = std::from_chars(value.data(), end, seconds, std::chars_format::fixed);
    if (read.ec != std::errc() || read.ptr != end) {
        const std::time_t then = curl_getdate(value.c_str(), nullptr);
        if (then < 0) return std::nullopt;
        seconds = std::difftime(then, std::time(nullptr));
    }
    if (!(seconds >= 0)) return std::nullopt;
    return milliseconds(static_cast<std::int64_t>(std::min(seconds, 1e6) * 1000));
}

/// False if `stop` fired.
bool wait(milliseconds pause, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_for(lock, stop, pause, [] { return false; });
    return !stop.stop_requested();
}

Error transport_error(const ApiCall& call, Error error) {
    switch (error.kind) {
        case ErrorKind::Cancelled:
            return error;
        case ErrorKind::Forbidden:
            error.kind = ErrorKind::InvalidInput;
            error.message = call.field + ".base_url: " + host_of(call.base_url) +
                            " leads to an address that is not public, and is not one of "
                            "ALLOWED_PRIVATE_HOSTS";
            break;
        case ErrorKind::TooLarge:
            error.kind = ErrorKind::Upstream;
            [[fallthrough]];
        default:
            error.message = call.field + ": " + error.message;
    }
    error.message = redact(error.message, call.key);
    error.detail = clean(error.detail, call.key);
    return error;
}

}  // namespace

Result<HttpResponse> call_api(const HttpClient& client, const ApiCall& call, BodySink sink,
                              const std::stop_token& stop) {
    const HttpRequest request{
        .method = Method::Post,
        .url = url_of(call),
        .headers = {{"Content-Type", "application/json"}},
        .bearer = call.key,
        .body = call.body,
        .policy = call.policy,
        .max_response_bytes = call.max_response_bytes,
        .deadline = call.deadline,
        .stall_timeout = std::chrono::seconds(0),  // a model may think for long
    };
    bool begun = false;
    bool sink_failed = false;
    const auto watched = [&](const HttpResponse& head, std::string_view bytes) -> Result<void> {
        begun = true;
        auto taken = sink(head, bytes);
        sink_failed = !taken;
        return taken;
    };

    std::minstd_rand chance(std::random_device{}());
    milliseconds pause = call.first_pause;
    for (int retries = 0;; ++retries) {
        auto response = client.send(request, sink ? BodySink(watched) : BodySink(), stop);
        if (!response && sink_failed) return response;
        const bool failed = response ? is_worth_a_retry(response->status)
                                     : response.error().kind == ErrorKind::Upstream && !begun;
        std::optional<milliseconds> asked;
        if (response) asked = retry_after(*response);
        if (!failed || retries == kMaxRetries || (asked && *asked > kLongestWait)) {
            if (!response) return std::unexpected(transport_error(call, response.error()));
            return response;
        }
        // By chance between half and all of it, so that many who failed together do not come back
        // together.
        milliseconds next(std::uniform_int_distribution<milliseconds::rep>(pause.count() / 2,
                                                                           pause.count())(chance));
        if (asked) next = std::max(next, *asked);
        log::info("api.retry", "host={} status={} wait_ms={}", host_of(call.base_url),
                  response ? response->status : 0, next.count());
        if (!wait(next, stop)) return fail(ErrorKind::Cancelled, "the request was cancelled");
        pause *= 2;
    }
}

Error api_error(const ApiCall& call, std::string_view what, std::string_view words) {
    std::string message =
        std::format("{}: the API at {} {}", call.field, host_of(call.base_url), what);
    if (const std::string cleaned = clean(words, call.key); !cleaned.empty())
        message += ": " + cleaned;
    return {ErrorKind::Upstream, std::move(message)};
}

Error answer_error(const ApiCall& call, const HttpResponse& response) {
    Error error =
        api_error(call, std::format("answered {}", response.status), error_words(response.body));
    error.detail = clean(response.body, call.key);
    return error;
}

std::string error_words(std::string_view body) {
    const auto shallow = [](int depth, json::parse_event_t, const json&) {
        return depth < kMaxDepth;
    };
    const json answer = json::parse(body, shallow, /*allow_exceptions=*/false);
    // {"error": {"message": ...}}, and what other servers make of it.
    const json* at = &answer;
    for (const char* name : {"error", "detail", "message"}) {
        if (!at->is_object()) break;
        if (const auto found = at->find(name); found != at->end()) at = &*found;
    }
    return at->is_string() ? at->get<std::string>() : std::string();
}

Result<void> check_api_url(std::string_view url) {
    const auto refuse = [](std::string message) {
        return fail(ErrorKind::InvalidInput, std::move(message));
    };
    if (url.size() > kMaxUrl) return refuse(std::format("must have at most {} bytes", kMaxUrl));
    if (std::ranges::any_of(url,
                            [](unsigned char c) { return c <= 0x20 || c == 0x7F || c == '\\'; }))
        return refuse("must have no spaces, backslashes or control characters");
    if (url.find_first_of("?#") != std::string_view::npos)
        return refuse("must have no query (?) and no fragment (#)");
    const std::string host = host_of(url);
    if (host.empty())
        return refuse(
            "must begin with http:// or https://, then a host, and hold no user name or password");
    if (std::ranges::any_of(host, [](unsigned char c) { return c >= 0x80; }))
        return refuse("must have a host in ASCII (xn--...)");
    return {};
}

}  // namespace titans::net
