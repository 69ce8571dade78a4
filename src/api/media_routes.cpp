#include <drogon/HttpAppFramework.h>

#include "api/routes.h"
#include "api/status.h"

namespace titans::api {
namespace {

using Respond = std::function<void(const drogon::HttpResponsePtr&)>;

/// The last part of the path is the stored name, and it alone finds the file; what is before it is
/// for people to read.
std::string_view stored_name(const drogon::HttpRequestPtr& request) {
    const std::string_view path = request->path();
    return path.substr(path.rfind('/') + 1);
}

void send_file(const drogon::HttpRequestPtr& request, const Result<std::filesystem::path>& file,
               const Respond& respond) {
    if (!file) return respond(error_response(file.error()));
    respond(
        drogon::HttpResponse::newFileResponse(file->string(), "", drogon::CT_NONE, "", request));
}

}  // namespace

void add_media_routes(const RouteContext& context) {
    drogon::app().registerHandlerViaRegex(
        "/serve-audio/.+",
        [&context](const drogon::HttpRequestPtr& request, Respond&& respond) {
            send_file(request, context.services.conversation.recording(stored_name(request)),
                      respond);
        },
        {drogon::Get});
    drogon::app().registerHandlerViaRegex(
        "/serve-image/.+",
        [&context](const drogon::HttpRequestPtr& request, Respond&& respond) {
            send_file(request, context.services.characters.picture(stored_name(request)), respond);
        },
        {drogon::Get});
}

}  // namespace titans::api
