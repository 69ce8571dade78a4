#include "net/download.h"

#include <format>

#include "foundation/units.h"

namespace titans::net {
namespace {

constexpr int kMaxTries = 20;
constexpr std::chrono::milliseconds kProgressInterval{200};

/// True if a 206's Content-Range ("bytes 100-199/200") begins at `offset`.
bool continues_at(const HttpResponse& head, std::uint64_t offset) {
    return head.header("content-range").starts_with(std::format("bytes {}-", offset));
}

/// One request for what is missing. Returns the status of the answer.
Result<int> fetch_rest(const HttpClient& client, const std::string& url, VerifiedFile& file,
                       const VerifiedFile::Expected& expected, const DownloadOptions& options,
                       const ByteProgress& progress, const std::stop_token& stop) {
    HttpRequest request{.url = url,
                        .max_redirects = 5,
                        .max_response_bytes = expected.bytes,
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
    TITANS_TRY(const HttpResponse response, client.send(request, sink, stop));
    return response.status;
}

bool is_broken_connection(const Error& error) {
    return error.kind == ErrorKind::Upstream || error.kind == ErrorKind::Timeout;
}

}  // namespace

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
    for (int attempt = 1; part.size() < expected.bytes; ++attempt) {
        const std::uint64_t before = part.size();
        const auto status = fetch_rest(client, url, part, expected, options, progress, stop);
        const bool try_again = part.size() != before && attempt < kMaxTries;
        if (!status) {
            if (is_broken_connection(status.error()) && try_again) continue;
            if (status.error().kind != ErrorKind::TooLarge) return std::unexpected(status.error());
            part.discard();
            return fail(ErrorKind::Upstream, host + " sent a larger file than it should",
                        status.error().message);
        }
        if (*status == 416 && before > 0) {  // the part is longer than the file there
            TITANS_TRY_VOID(part.restart());
        } else if (*status == 404 || *status == 410) {
            return fail(ErrorKind::NotFound, host + " does not have the file");
        } else if (*status != 200 && *status != 206) {
            return fail(ErrorKind::Upstream,
                        std::format("{} answered with status {}", host, *status));
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
