#include "api/server.h"

#include <drogon/HttpAppFramework.h>
#include <sys/resource.h>

#include <set>

#include "api/connection_guard.h"
#include "api/routes.h"
#include "api/status.h"
#include "foundation/log.h"

namespace titans::api {
namespace {

// The event loops parse, route and write; two keep one slow parse from delaying everybody.
constexpr std::size_t kEventLoops = 2;
constexpr std::size_t kMaxInMemoryBody = std::size_t{1} << 20;
constexpr std::uintmax_t kSpareDisk = 16 << 20;  // for what others write meanwhile
constexpr std::size_t kMostFiles = 65'536;
constexpr std::size_t kMostConnections = 10'000;

/// True if `path` is one that the route `pattern` ("/get-character/{id}", "/serve-audio/.+") takes.
bool matches(std::string_view pattern, std::string_view path) {
    if (pattern.ends_with(".+")) return path.starts_with(pattern.substr(0, pattern.size() - 2));
    const std::size_t parameter = pattern.find('{');
    if (parameter == std::string_view::npos) return path == pattern;
    return path.starts_with(pattern.substr(0, parameter)) && !path.substr(parameter).contains('/');
}

/// The methods that the address takes; none if there is nothing.
std::set<std::string_view> allowed_methods(std::string_view path) {
    std::set<std::string_view> methods;
    for (const auto& [pattern, method, description] : drogon::app().getHandlersInfo()) {
        if (!matches(pattern, path)) continue;
        if (method == drogon::Get) methods.insert({"GET", "HEAD"});
        if (method == drogon::Post) methods.insert("POST");
        if (method == drogon::Delete) methods.insert("DELETE");
    }
    return methods;
}

/// 404, or 405 where the address takes other methods; Drogon tells them apart for some routes only.
drogon::HttpResponsePtr no_route(const drogon::HttpRequestPtr& request) {
    const std::set<std::string_view> allowed = allowed_methods(request->path());
    if (allowed.empty() || allowed.contains(request->methodString()))
        return json_response(error_body("there is nothing at this address"), drogon::k404NotFound);
    auto response =
        json_response(error_body(std::format("{} is not allowed here", request->methodString())),
                      drogon::k405MethodNotAllowed);
    std::string list;
    for (const std::string_view method : allowed)
        list += std::format("{}{}", list.empty() ? "" : ", ", method);
    response->addHeader("Allow", list);
    return response;
}

drogon::HttpResponsePtr framework_error(drogon::HttpStatusCode status,
                                        const drogon::HttpRequestPtr& request) {
    switch (status) {
        case drogon::k403Forbidden:  // of Drogon's file server, which has nothing to serve
        case drogon::k404NotFound:
        case drogon::k405MethodNotAllowed:
            return no_route(request);
        default:
            return json_response(error_body("the request could not be served"), status);
    }
}

/// Whether so many bytes more can be written to `folder`. Where nobody can tell, they may be.
bool has_room(const std::filesystem::path& folder, std::uint64_t bytes) {
    std::error_code failed;
    const std::filesystem::space_info space = std::filesystem::space(folder, failed);
    return failed || space.available >= bytes + kSpareDisk;
}

/// Each connection and each open file counts against it.
void raise_file_limit() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kMostFiles);
    setrlimit(RLIMIT_NOFILE, &limit);
}

nlohmann::json voice_list(const character::Voices& voices) {
    nlohmann::json models = nlohmann::json::array();
    for (const character::VoiceStatus& voice : voices.list()) {
        const auto& needs = voice.family->dependencies;
        nlohmann::json model{{"name", voice.family->name},
                             {"dependencies", std::vector(needs.begin(), needs.end())},
                             {"available", voice.missing.empty()},
                             {"licences", voice.licences}};
        if (!voice.missing.empty()) model["reason"] = voice.missing;
        models.push_back(std::move(model));
    }
    return {{"models", std::move(models)}, {"status", "success"}};
}

void add_plain_routes(const character::Voices& voices) {
    using Respond = std::function<void(const drogon::HttpResponsePtr&)>;
    const nlohmann::json greeting{{"message", "Titans API - Ready for character interactions!"},
                                  {"status", "success"}};
    drogon::app().registerHandler("/",
                                  [greeting](const drogon::HttpRequestPtr&, Respond&& respond) {
                                      respond(json_response(greeting));
                                  },
                                  {drogon::Get});
    drogon::app().registerHandler("/get-tts-models",
                                  [&voices](const drogon::HttpRequestPtr&, Respond&& respond) {
                                      respond(json_response(voice_list(voices)));
                                  },
                                  {drogon::Get});
}

}  // namespace

void run_server(const ServerOptions& options, Services services, std::function<void()> on_start,
                std::stop_source shutdown) {
    const RouteContext context{options, services, shutdown};
    if (options.debug) show_details();
    raise_file_limit();
    auto& app = drogon::app();
    app.addListener(options.host, options.port);
    app.setThreadNum(kEventLoops);
    // What matters of it is logged by us. Its own log would go to standard output, and block where
    // nobody reads that.
    trantor::Logger::setOutputFunction([](const char*, std::uint64_t) {}, [] {});
    app.setLogLevel(trantor::Logger::kFatal);
    app.enableServerHeader(false);
    app.setClientMaxBodySize(options.max_upload_bytes);
    app.setClientMaxMemoryBodySize(kMaxInMemoryBody);
    app.setMaxConnectionNum(kMostConnections);
    // Unless told otherwise it serves the pictures and texts of the working directory.
    app.setDocumentRoot("/dev/null");
    app.setUploadPath(options.uploads.string());
    app.setIdleConnectionTimeout(static_cast<std::size_t>(options.request_timeout.count()) + 60);
    app.setCustomErrorHandler(
        [](drogon::HttpStatusCode status, const drogon::HttpRequestPtr& request) {
            return framework_error(status, request);
        });
    app.setExceptionHandler([](const std::exception& exception, const drogon::HttpRequestPtr&,
                               std::function<void(const drogon::HttpResponsePtr&)>&& answer) {
        answer(error_response({ErrorKind::Internal, "internal error", exception.what()}));
    });
    // No CORS: a browser that asks beforehand is told no.
    app.registerSyncAdvice([](const drogon::HttpRequestPtr& request) {
        return request->method() == drogon::Options ? no_route(request) : nullptr;
    });
    guard_connections({.api_key = options.api_key,
                       .allowed_hosts = options.allowed_hosts,
                       .public_url = options.public_url,
                       .max_body_bytes = options.max_upload_bytes,
                       .max_body_in_memory = kMaxInMemoryBody,
                       .has_room = [uploads = options.uploads](std::uint64_t bytes) {
                           return has_room(uploads, bytes);
                       }});
    add_plain_routes(services.voices);
    add_character_routes(context);
    add_ask_routes(context);
    add_media_routes(context);
    add_meta_routes(context);
    add_model_routes(context);
    app.registerBeginningAdvice(std::move(on_start));
    const auto end = [shutdown]() mutable {
        log::info("server.stopping", "");
        shutdown.request_stop();
        drogon::app().quit();
    };
    app.setIntSignalHandler(end);
    app.setTermSignalHandler(end);
    app.run();
}

}  // namespace titans::api
