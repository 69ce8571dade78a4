#include "net/download.h"

#include <algorithm>
#include <condition_variable>
#include <format>
#include <mutex>

#include "foundation/units.h"

namespace titans::net {
namespace {

constexpr int kMaxTries = 100;
// Of an answer that is not the file: a redirect's body may be longer than a small file.
constexpr std::uint64_t kMaxNoteBytes = 1 << 16;
constexpr std::chrono::milliseconds kProgressInterval{200};

/// True if a 206's Content-Range ("bytes 100-199/200") begins at `offset`.
bool continues_at(const HttpResponse& head, std::uint64_t offset) {
    return head.header("content-range").starts_with(std::format("bytes {}-", offset));
}

/// One request for what is missing. Returns the answer without its body.
Result<HttpResponse> fetch_rest(const HttpClient& client, const std::string& url,
                                VerifiedFile& file, const VerifiedFile::Expected& expected,
                                const DownloadOptions& options, const ByteProgress& progress,
                                const std::stop_token& stop) {
    HttpRequest request{.url = url,
                        .bearer = options.bearer,
                        .max_redirects = 5,
                        .max_response_bytes = std::max(expected.bytes, kMaxNoteBytes),
                        .connect_timeout = options.connect_timeout,
                        .stall_timeout = options.stall_timeout};
    if (file.size() > 0)
        request.headers.push_back({"Range", std::format("bytes={}-", file.size())});

    bool begun = false;
    Clock::time_point told;
    const auto sink = [&](const HttpResponse& head, std::string_view bytes) -> Result<void> {
        if (!begun) {
            begun = true;
            // 200: the server sends all of it, whatever was asked for.
            const bool goes_on = head.status == 206 && continues_at(head, file.size());
            if (!goes_on && head.status == 206)
                return fail(ErrorKind::Upstream,
                            host_of(url) + " sent another part of the file than was asked for");
            if (!goes_on && file.size() > 0) TITANS_TRY_VOID(file.restart());
        }
        TITANS_TRY_VOID(file.append(bytes));
        if (progress && Clock::now() - told >= kProgressInterval) {
            told = Clock::now();
            progress(file.size());
        }
        return {};
    };
    return client.send(request, sink, stop);
}

bool is_broken_connection(const Error& error) {
    return error.kind == ErrorKind::Upstream || error.kind == ErrorKind::Timeout;
}

}  // namespace

bool is_passing(int status) { return status == 429 || status >= 500; }

Error status_error(const std::string& host, const HttpResponse& answer) {
    std::string detail = std::format("status {}", answer.status);
    for (const char* name : {"x-error-code", "x-error-message"}) {
        if (const auto value = answer.header(name); !value.empty())
            detail += std::format(" {}: {}", name, value);
    }
    switch (answer.status) {
        case 401:
            return Error{ErrorKind::Unauthorized, host + " wants a token", std::move(detail)};
        case 403:
            return Error{ErrorKind::Forbidden, host + " refused the file", std::move(detail)};
        case 404:
        case 410:
            return Error{ErrorKind::NotFound, host + " does not have the file", std::move(detail)};
        default:
            return Error{ErrorKind::Upstream,
                         std::format("{} answered with status {}", host, answer.status),
                         std::move(detail)};
    }
}

void pause(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::mutex mutex;
    std::unique_lock lock(mutex);
    std::condition_variable_any().wait_for(lock, stop, time, [] { return false; });
}

Result<void> download(const HttpClient& client, const std::string& url,
                      const std::filesystem::path& file, const VerifiedFile::Expected& expected,
                      const DownloadOptions& options, const ByteProgress& progress,
                      const std::stop_token& stop) {
    const std::string host = host_of(url);
    TITANS_TRY(VerifiedFile part, VerifiedFile::open(file, expected, stop));
    if (part.exists()) {
        part.discard();
        return {};
    }
    int idle = 0;  // tries in a row that brought nothing
    for (int attempt = 1; part.size() < expected.bytes; ++attempt) {
        const std::uint64_t before = part.size();
        const auto answer = fetch_rest(client, url, part, expected, options, progress, stop);
        idle = part.size() == before ? idle + 1 : 0;
        const bool try_again = idle < options.tries && attempt < kMaxTries;
        if (!answer && answer.error().kind == ErrorKind::TooLarge) {
            part.discard();
            return fail(ErrorKind::Upstream, host + " sent a larger file than it should",
                        answer.error().message);
        }
        if (answer ? is_passing(answer->status) : is_broken_connection(answer.error())) {
            if (!try_again)
                return std::unexpected(answer ? status_error(host, *answer) : answer.error());
            if (idle > 0) pause(options.retry_delay * (1 << std::min(idle - 1, 5)), stop);
            continue;
        }
        if (!answer) return std::unexpected(answer.error());
        if (answer->status == 416 && before > 0) {  // the part is longer than the file there
            TITANS_TRY_VOID(part.restart());
        } else if (answer->status != 200 && answer->status != 206) {
            return std::unexpected(status_error(host, *answer));
        } else if (part.size() < expected.bytes) {
            part.discard();
            return fail(ErrorKind::Upstream, host + " sent a smaller file than it should");
        }
    }
    if (progress) progress(part.size());
    auto committed = part.commit();
    if (!committed) committed.error().message.insert(0, host + ": ");
    return committed;
}

}  // namespace titans::net
