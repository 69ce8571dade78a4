#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "foundation/error.h"
#include "foundation/secret.h"
#include "net/http_client.h"

namespace titans::cli {

/// Where the server of these settings is reached from this machine, without a slash at its end.
std::string server_url(const config::Settings& settings);

/// A running server's API. Every answer that is no success becomes an Error with the server's own
/// words; Upstream, and how to start one, if no server answers.
class ApiClient {
public:
    ApiClient(std::string url, Secret key) : url_(std::move(url)), key_(std::move(key)) {}
    explicit ApiClient(const config::Settings& settings);

    Result<nlohmann::json> get(std::string_view path) const;
    Result<nlohmann::json> remove(std::string_view path) const;
    Result<nlohmann::json> post(std::string_view path, const nlohmann::json& body) const;
    Result<nlohmann::json> post_form(std::string_view path, std::vector<net::FormPart> form) const;

    /// Gets each event of a streamed answer.
    using EventSink =
        std::function<Result<void>(std::string_view name, const nlohmann::json& data)>;
    Result<void> stream(std::string_view path, const nlohmann::json& body,
                        const EventSink& sink) const;
    Result<void> stream_form(std::string_view path, std::vector<net::FormPart> form,
                             const EventSink& sink) const;

    /// Saves what `url` gives as `file`. The key goes along only if it is this server's.
    Result<void> download(const std::string& url, const std::filesystem::path& file) const;

    /// The character that `argument` means: its id, or its name if no other has the same.
    Result<std::int64_t> find_character(std::string_view argument) const;

private:
    net::HttpRequest request(net::Method method, std::string_view path) const;
    Result<nlohmann::json> call(const net::HttpRequest& request) const;
    Result<void> stream(net::HttpRequest request, const EventSink& sink) const;
    Result<net::HttpResponse> send(const net::HttpRequest& request, net::BodySink sink) const;

    std::string url_;
    Secret key_;
    net::HttpClient http_;
};

}  // namespace titans::cli
