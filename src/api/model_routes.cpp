#include <drogon/HttpAppFramework.h>
#include <trantor/net/TcpConnection.h>

#include "api/bodies.h"
#include "api/requests.h"
#include "api/routes.h"
#include "api/status.h"

namespace titans::api {
namespace {

using drogon::HttpRequestPtr;
using drogon::HttpResponsePtr;

constexpr std::size_t kLongestName = 256;
// A download takes as long as it takes; its client may leave at any time.
constexpr std::chrono::days kNoDeadline{365};

struct ModelRequest {
    std::string name;
    std::string type = "huggingface";
    std::string file;  // or a quantisation; empty: the best
    models::LicenceAnswer licence = models::LicenceAnswer::None;
};

/// Reads a string of 1 to 256 bytes; null is as good as absent.
Result<void> read_text(const nlohmann::ordered_json& body, const char* key, std::string& value) {
    const auto found = body.find(key);
    if (found == body.end() || found->is_null()) return {};
    if (!found->is_string() || found->get_ref<const std::string&>().empty() ||
        found->get_ref<const std::string&>().size() > kLongestName) {
        return fail(ErrorKind::InvalidInput,
                    std::format("{}: must be text of 1 to {} bytes", key, kLongestName));
    }
    value = *found;
    return {};
}

/// Reads `accept_license`, a boolean; null is as good as absent.
Result<models::LicenceAnswer> read_licence(const nlohmann::ordered_json& body) {
    const auto found = body.find("accept_license");
    if (found == body.end() || found->is_null()) return models::LicenceAnswer::None;
    if (!found->is_boolean())
        return fail(ErrorKind::InvalidInput, "accept_license: must be true or false");
    return found->get<bool>() ? models::LicenceAnswer::Accepted : models::LicenceAnswer::None;
}

Result<ModelRequest> read_model_request(const HttpRequestPtr& request) {
    TITANS_TRY(const nlohmann::ordered_json body, parse_body(request));
    ModelRequest model;
    TITANS_TRY_VOID(read_text(body, "model_name", model.name));
    if (model.name.empty()) return fail(ErrorKind::InvalidInput, "model_name: is required");
    TITANS_TRY_VOID(read_text(body, "model_type", model.type));
    TITANS_TRY_VOID(read_text(body, "file", model.file));
    TITANS_TRY(model.licence, read_licence(body));
    if (model.type != "huggingface" && model.type != "openai") {
        return fail(ErrorKind::InvalidInput,
                    std::format("model_type: must be huggingface or openai, not {}", model.type));
    }
    return model;
}

drogon::Task<HttpResponsePtr> download(const RouteContext& context, HttpRequestPtr request) {
    if (!has_media_type(request, "application/json")) {
        co_return unsupported_body("application/json");
    }
    const Result<ModelRequest> model = read_model_request(request);
    if (!model) co_return error_response(model.error());
    if (model->type == "openai") {
        co_return json_response(
            {{"message", "nothing to download: OpenAI's models are used through their API"},
             {"model_path", nullptr},
             {"status", "success"}});
    }
    // The server closes connections on which nothing happens.
    if (const auto connection = request->getConnectionPtr().lock()) connection->keepAlive();
    const RequestStop stop(request, kNoDeadline, context.shutdown.get_token());
    const auto path = co_await context.services.downloads.get(model->name, model->file,
                                                              model->licence, stop.token());
    HttpResponsePtr response =
        path ? json_response({{"message", std::format("{} is here", model->name)},
                              {"model_path", *path},
                              {"status", "success"}})
             : error_response(path.error());
    response->setCloseConnection(true);  // it would stay open for ever
    co_return response;
}

}  // namespace

void add_model_routes(const RouteContext& context) {
    drogon::app().registerHandler(
        "/download-model",
        [&context](HttpRequestPtr request) { return download(context, std::move(request)); },
        {drogon::Post});
}

}  // namespace titans::api
