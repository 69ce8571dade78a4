#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

#include "foundation/error.h"
#include "net/http_client.h"
#include "net/verified_file.h"

namespace titans::net {

struct DownloadOptions {
    std::chrono::milliseconds connect_timeout{5000};
    std::chrono::seconds stall_timeout{30};  // without a byte
    Secret bearer;                           // for the url's origin alone
    int tries = 1;  // in a row that bring nothing: broken connections, 429 and 5xx
    std::chrono::milliseconds retry_delay{1000};  // before the second of them, then doubled
};

/// Called with the bytes that are there, some times a second at most.
using ByteProgress = std::function<void(std::uint64_t bytes)>;

/// Fetches `url` into `file`, which then has the size and hash that are expected of it.
///
/// Goes on where an earlier try ended (`<file>.part`), here after a broken connection as long as
/// each try brings something, and later by another call. Errors: Unauthorized for 401, Forbidden
/// for 403, NotFound for 404 and 410; Upstream for other statuses, for wrong bytes (the part is
/// removed) and for a host that cannot be reached; Timeout; Cancelled; Busy if the disk is full;
/// Internal. For a status, `detail` has what the hub's error headers say.
Result<void> download(const HttpClient& client, const std::string& url,
                      const std::filesystem::path& file, const VerifiedFile::Expected& expected,
                      const DownloadOptions& options, const ByteProgress& progress,
                      const std::stop_token& stop);

/// What an answer other than 2xx of `host` means, as download() says it.
Error status_error(const std::string& host, const HttpResponse& answer);

/// True if a status may be another one soon: 429 and 5xx.
bool is_passing(int status);

/// Waits, until `stop` fires at most.
void pause(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace titans::net
