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
};

/// Called with the bytes that are there, some times a second at most.
using ByteProgress = std::function<void(std::uint64_t bytes)>;

/// Fetches `url` into `file`, which then has the size and hash that are expected of it.
///
/// Goes on where an earlier try ended (`<file>.part`), here after a broken connection as long as
/// each try brings something, and later by another call. Errors: NotFound for 404 and 410;
/// Upstream for other statuses, for wrong bytes (the part is removed) and for a host that cannot
/// be reached; Timeout; Cancelled; Internal if the disk is full.
Result<void> download(const HttpClient& client, const std::string& url,
                      const std::filesystem::path& file, const VerifiedFile::Expected& expected,
                      const DownloadOptions& options, const ByteProgress& progress,
                      const std::stop_token& stop);

}  // namespace titans::net
