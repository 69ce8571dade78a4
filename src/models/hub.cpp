#include "models/hub.h"

#include <cctype>
#include <format>

namespace titans::models {
namespace {

constexpr int kTries = 4;
constexpr std::uint64_t kMaxListingBytes = std::uint64_t{32} << 20;
constexpr std::chrono::seconds kListingTime{60};

/// For a url's path: all but letters, digits, ".-_~/" percent-encoded.
std::string encode_path(std::string_view path) {
    constexpr std::string_view kPlain = ".-_~/";
    std::string encoded;
    for (const char c : path) {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0 || kPlain.contains(c)) {
            encoded += c;
        } else {
            encoded += std::format("%{:02X}", static_cast<unsigned char>(c));
        }
    }
    return encoded;
}

}  // namespace

Error Hub::explain(std::string_view repository, Error error) const {
    const std::string host = net::host_of(options_.endpoint);
    const bool is_missing =
        error.kind == ErrorKind::NotFound || error.detail.contains("RepoNotFound");
    if (is_missing) {
        error.kind = ErrorKind::NotFound;
        error.message =
            std::format("model_name: {} has no repository {}, or it is private", host, repository);
    } else if (error.kind == ErrorKind::Unauthorized || error.kind == ErrorKind::Forbidden) {
        error.kind = ErrorKind::Forbidden;
        error.message = std::format(
            "model_name: {0} is gated, private or not there: accept its licence at {1}/{0} and "
            "{2}",
            repository, options_.endpoint,
            options_.token.empty()
                ? "set HUGGINGFACE_API_KEY (no token was sent)"
                : "check that HUGGINGFACE_API_KEY is a token of yours that may read it (the one "
                  "that was sent does not do)");
    }
    return error;
}

Result<RepositoryListing> Hub::list(std::string_view repository,
                                    const std::stop_token& stop) const {
    if (options_.endpoint.empty()) return fail(ErrorKind::Upstream, "no model hub is configured");
    const std::string host = net::host_of(options_.endpoint);
    const net::HttpRequest request{
        .url = std::format("{}/api/models/{}?blobs=true", options_.endpoint, repository),
        .headers = {{"Accept", "application/json"}},
        .bearer = options_.token,
        .max_redirects = 5,
        .max_response_bytes = kMaxListingBytes,
        .deadline = kListingTime};
    for (int attempt = 1;; ++attempt) {
        const auto answer = client_.send(request, {}, stop);
        const bool is_passing = answer ? net::is_passing(answer->status)
                                       : answer.error().kind == ErrorKind::Upstream ||
                                             answer.error().kind == ErrorKind::Timeout;
        if (is_passing && attempt < kTries) {
            net::pause(options_.retry_delay * (1 << (attempt - 1)), stop);
            continue;
        }
        if (!answer) {
            if (answer.error().kind != ErrorKind::TooLarge) return std::unexpected(answer.error());
            return fail(ErrorKind::Upstream, host + " lists too many files");
        }
        if (answer->status == 200) return parse_listing(answer->body);
        return std::unexpected(explain(repository, net::status_error(host, *answer)));
    }
}

Result<void> Hub::download(std::string_view repository, std::string_view revision,
                           const RepositoryFile& file, const std::filesystem::path& path,
                           const net::ByteProgress& progress, const std::stop_token& stop) const {
    const std::string url = std::format("{}/{}/resolve/{}/{}", options_.endpoint, repository,
                                        revision, encode_path(file.name));
    auto fetched = net::download(
        client_, url, path, {file.bytes, file.sha256, file.git_sha1},
        {.bearer = options_.token, .tries = kTries, .retry_delay = options_.retry_delay}, progress,
        stop);
    if (!fetched) return std::unexpected(explain(repository, std::move(fetched).error()));
    return {};
}

}  // namespace titans::models
