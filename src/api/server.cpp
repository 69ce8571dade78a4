#include "api/server.h"

#include <drogon/HttpAppFramework.h>

#include "api/requests.h"
#include "api/routes.h"
#include "api/status.h"
#include "foundation/log.h"

namespace titans::api {
namespace {

// The event loops parse, route and write; two keep one slow parse from delaying everybody.
constexpr std::size_t kEventLoops = 2;
constexpr std::size_t kMaxInMemoryBody = std::size_t{1} << 20;

/// Compares without telling by its time how much was right.
bool same_secret(const std::string& given, const std::string& wanted) {
    unsigned char difference = given.size() == wanted.size() ? 0 : 1;
    for (std::size_t i = 0; i < given.size(); ++i) {
        difference |= static_cast<unsigned char>(given[i] ^ wanted[i % wanted.size()]);
    }
    return difference == 0;
}

/// Everything but the greeting and the media, whose names nobody can guess, wants the key where
/// there is one.
bool is_authorized(const drogon::HttpRequestPtr& request, const Secret& api_key) {
    if (api_key.empty()) return true;
    const std::string& path = request->path();
    if (path == "/" || path.starts_with("/serve-audio/") || path.starts_with("/serve-image/"))
        return true;
    const std::string& bearer = request->getHeader("authorization");
    const std::string given =
        bearer.starts_with("Bearer ") ? bearer.substr(7) : request->getHeader("x-api-key");
    return same_secret(given, api_key.reveal());
}

/// False if another site's page, in somebody's browser, wants to change something here.
bool is_same_origin(const drogon::HttpRequestPtr& request, const std::string& public_url) {
    const std::string& origin = request->getHeader("origin");
    if (origin.empty() || request->method() == drogon::Get || request->method() == drogon::Head)
        return true;
    const std::string& host = request->getHeader("host");
    return origin == "http://" + host || origin == "https://" + host || origin == public_url;
}

drogon::HttpResponsePtr framework_error(drogon::HttpStatusCode status,
                                        const drogon::HttpRequestPtr& request) {
    switch (status) {
        case drogon::k404NotFound:
            return json_response(error_body("there is nothing at this address"), status);
        case drogon::k405MethodNotAllowed:
            return json_response(
                error_body(std::format("{} is not allowed here", request->methodString())), status);
        case drogon::k413RequestEntityTooLarge:
            return json_response(
                error_body("the request is larger than this server takes (MAX_UPLOAD_MB)"), status);
        default:
            return json_response(error_body("the request could not be served"), status);
    }
}

nlohmann::json voice_list(const voice::VoiceResources& resources) {
    nlohmann::json models = nlohmann::json::array();
    for (const voice::VoiceFamily& family : voice::families()) {
        nlohmann::json model{{"name", family.name}, {"dependencies", nlohmann::json::array()}};
        for (const std::string_view dependency : family.dependencies)
            model["dependencies"].push_back(dependency);
        const std::string missing = family.missing(resources);
        model["available"] = missing.empty();
        if (!missing.empty()) model["reason"] = missing;
        models.push_back(std::move(model));
    }
    return {{"models", std::move(models)}, {"status", "success"}};
}

void add_plain_routes(const voice::VoiceResources& voices) {
    using Respond = std::function<void(const drogon::HttpResponsePtr&)>;
    const nlohmann::json greeting{{"message", "Titans API - Ready for character interactions!"},
                                  {"status", "success"}};
    drogon::app().registerHandler("/",
                                  [greeting](const drogon::HttpRequestPtr&, Respond&& respond) {
                                      respond(json_response(greeting));
                                  },
                                  {drogon::Get});
    drogon::app().registerHandler("/get-tts-models",
                                  [voices](const drogon::HttpRequestPtr&, Respond&& respond) {
                                      respond(json_response(voice_list(voices)));
                                  },
                                  {drogon::Get});
}

}  // namespace

void run_server(const ServerOptions& options, Services services, std::function<void()> on_start,
                std::stop_source shutdown) {
    const RouteContext context{options, services, shutdown};
    auto& app = drogon::app();
    app.addListener(options.host, options.port);
    app.setThreadNum(kEventLoops);
    app.setLogLevel(trantor::Logger::kFatal);  // what matters of it is logged by us
    app.enableServerHeader(false);
    app.setClientMaxBodySize(options.max_upload_bytes);
    app.setClientMaxMemoryBodySize(kMaxInMemoryBody);
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
    app.registerPreRoutingAdvice([options](const drogon::HttpRequestPtr& request,
                                           drogon::AdviceCallback&& answer,
                                           drogon::AdviceChainCallback&& go_on) {
        if (!is_authorized(request, options.api_key)) {
            return answer(error_response(
                {ErrorKind::Unauthorized, "this server wants its key: Authorization: Bearer KEY"}));
        }
        if (!is_same_origin(request, options.public_url)) {
            return answer(error_response(
                {ErrorKind::Forbidden, "Origin: another site may not change anything here"}));
        }
        go_on();
    });
    add_plain_routes(services.voices);
    add_character_routes(context);
    add_ask_routes(context);
    add_media_routes(context);
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
