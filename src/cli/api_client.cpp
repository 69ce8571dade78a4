#include "cli/api_client.h"

#include <charconv>
#include <format>
#include <fstream>
#include <nlohmann/json.hpp>
#include <stop_token>

#include "cli/event_stream.h"

namespace titans::cli {
namespace {

using nlohmann::json;

// A mind on a slow machine may read its prompt for minutes before the first byte comes.
constexpr std::chrono::seconds kPatience{600};

json parse(std::string_view text) { return json::parse(text, nullptr, /*allow_exceptions=*/false); }

std::string text_of(const json& object, const char* key) {
    if (!object.is_object()) return {};
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

ErrorKind kind_of(int status) {
    switch (status) {
        case 401:
            return ErrorKind::Unauthorized;
        case 404:
            return ErrorKind::NotFound;
        case 503:
            return ErrorKind::Busy;
        default:
            return status < 500 ? ErrorKind::InvalidInput : ErrorKind::Upstream;
    }
}

std::unexpected<Error> refusal(const net::HttpResponse& response) {
    std::string message = text_of(parse(response.body), "error");
    if (message.empty()) message = std::format("the server answered with HTTP {}", response.status);
    if (response.status == 401) message += " (TITANS_API_KEY holds the key that is sent)";
    return fail(kind_of(response.status), std::move(message));
}

}  // namespace

std::string server_url(const config::Settings& settings) {
    if (!settings.client.server_url.empty()) return settings.client.server_url;
    std::string host = settings.server.host;
    if (host == "0.0.0.0") host = "127.0.0.1";
    if (host == "::") host = "::1";
    if (host.contains(':')) host = std::format("[{}]", host);
    return std::format("http://{}:{}", host, settings.server.port);
}

ApiClient::ApiClient(const config::Settings& settings)
    : ApiClient(server_url(settings), settings.server.api_key) {}

net::HttpRequest ApiClient::request(net::Method method, std::string_view path) const {
    net::HttpRequest request;
    request.method = method;
    request.url = url_ + std::string(path);
    request.bearer = key_;
    request.stall_timeout = kPatience;
    return request;
}

Result<net::HttpResponse> ApiClient::send(const net::HttpRequest& request,
                                          net::BodySink sink) const {
    bool answered = false;
    net::BodySink watched;
    if (sink) {
        watched = [&](const net::HttpResponse& head, std::string_view bytes) {
            answered = true;
            return sink(head, bytes);
        };
    }
    auto response = http_.send(request, std::move(watched), std::stop_token());
    if (!response && response.error().kind == ErrorKind::Upstream && !answered) {
        return fail(
            ErrorKind::Upstream,
            std::format(
                "no Titans server answers at {} ({})\n"
                "Start one with ./titans up, or set HOST and PORT, or TITANS_URL, to where it is.",
                url_, response.error().message),
            response.error().detail);
    }
    if (response && (response->status < 200 || response->status > 299)) return refusal(*response);
    return response;
}

Result<json> ApiClient::call(const net::HttpRequest& request) const {
    TITANS_TRY(const net::HttpResponse response, send(request, nullptr));
    json body = parse(response.body);
    if (!body.is_object()) {
        return fail(ErrorKind::Upstream,
                    std::format("what answers at {} is no Titans server", url_));
    }
    return body;
}

Result<json> ApiClient::get(std::string_view path) const {
    return call(request(net::Method::Get, path));
}

Result<json> ApiClient::remove(std::string_view path) const {
    return call(request(net::Method::Delete, path));
}

Result<json> ApiClient::post(std::string_view path, const json& body) const {
    net::HttpRequest post = request(net::Method::Post, path);
    post.headers.push_back({"Content-Type", "application/json"});
    post.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
    return call(post);
}

Result<json> ApiClient::post_form(std::string_view path, std::vector<net::FormPart> form) const {
    net::HttpRequest post = request(net::Method::Post, path);
    post.form = std::move(form);
    return call(post);
}

Result<void> ApiClient::stream(std::string_view path, const json& body,
                               const EventSink& sink) const {
    net::HttpRequest post = request(net::Method::Post, path);
    post.headers.push_back({"Content-Type", "application/json"});
    post.body = body.dump(-1, ' ', false, json::error_handler_t::replace);
    return stream(std::move(post), sink);
}

Result<void> ApiClient::stream_form(std::string_view path, std::vector<net::FormPart> form,
                                    const EventSink& sink) const {
    net::HttpRequest post = request(net::Method::Post, path);
    post.form = std::move(form);
    return stream(std::move(post), sink);
}

Result<void> ApiClient::stream(net::HttpRequest request, const EventSink& sink) const {
    bool ended = false;
    EventStream events([&](std::string_view name, std::string_view data) -> Result<void> {
        const json object = parse(data);
        if (!object.is_object()) {
            return fail(ErrorKind::Upstream, "the server sent an event that is no JSON object");
        }
        ended = name == "done" || name == "failed";
        if (name == "failed") {
            const auto code = object.find("code");
            return fail(
                kind_of(code != object.end() && code->is_number_integer() ? code->get<int>() : 500),
                text_of(object, "error"));
        }
        return sink(name, object);
    });
    auto response = send(request, [&](const net::HttpResponse&, std::string_view bytes) {
        return events.add(bytes);
    });
    if (!response) return std::unexpected(std::move(response).error());
    if (!ended) return fail(ErrorKind::Upstream, "the server broke off its answer");
    return {};
}

Result<void> ApiClient::download(const std::string& url, const std::filesystem::path& file) const {
    net::HttpRequest get = request(net::Method::Get, "");
    get.url = url;
    if (!url.starts_with(url_ + "/")) get.bearer = Secret();
    TITANS_TRY(const net::HttpResponse response, send(get, nullptr));
    std::ofstream out(file, std::ios::binary);
    out.write(response.body.data(), static_cast<std::streamsize>(response.body.size()));
    out.close();
    if (!out) {
        return fail(ErrorKind::InvalidInput, std::format("{} cannot be written", file.string()));
    }
    return {};
}

Result<std::int64_t> ApiClient::find_character(std::string_view argument) const {
    std::int64_t id = 0;
    const auto [end, error] =
        std::from_chars(argument.data(), argument.data() + argument.size(), id);
    if (error == std::errc() && end == argument.data() + argument.size()) return id;

    TITANS_TRY(const json answer, get("/get-characters"));
    std::vector<std::int64_t> found;
    for (const json& character : answer.value("characters", json::array())) {
        if (text_of(character, "name") == argument && character.contains("id") &&
            character["id"].is_number_integer()) {
            found.push_back(character["id"].get<std::int64_t>());
        }
    }
    if (found.empty()) {
        return fail(ErrorKind::NotFound, std::format("no character is called \"{}\"", argument));
    }
    if (found.size() > 1) {
        return fail(
            ErrorKind::Conflict,
            std::format("{} characters are called \"{}\": use the id that titans list shows",
                        found.size(), argument));
    }
    return found.front();
}

}  // namespace titans::cli
