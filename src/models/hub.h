#pragma once

#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <string_view>

#include "foundation/error.h"
#include "foundation/secret.h"
#include "models/repository.h"
#include "net/download.h"
#include "net/http_client.h"

namespace titans::models {

/// The Hugging Face hub, or a server with the same API. Thread-safe; calls block.
///
/// What passes (broken connections, 429, 5xx) is tried a few times. Errors: NotFound if there is
/// no such repository; Forbidden if it is gated or private, saying what to do; Upstream; Timeout;
/// Cancelled.
class Hub {
public:
    struct Options {
        std::string endpoint;  // "https://...", without a slash at its end; empty: no hub
        Secret token;          // empty: public repositories only
        std::chrono::milliseconds retry_delay{1000};
    };

    explicit Hub(Options options) : options_(std::move(options)) {}

    /// What `repository`, a checked name, holds now.
    Result<RepositoryListing> list(std::string_view repository, const std::stop_token& stop) const;

    /// Fetches a file of it into `path`, as net::download() does.
    Result<void> download(std::string_view repository, std::string_view revision,
                          const RepositoryFile& file, const std::filesystem::path& path,
                          const net::ByteProgress& progress, const std::stop_token& stop) const;

private:
    Error explain(std::string_view repository, Error error) const;

    const Options options_;
    const net::HttpClient client_;
};

}  // namespace titans::models
