#include <drogon/HttpAppFramework.h>

#include "api/routes.h"
#include "api/status.h"

namespace titans::api {
namespace {

using Respond = std::function<void(const drogon::HttpResponsePtr&)>;

/// Answers with the stored file that the last part of the request's path names, if it has one of
/// these endings. The name alone finds it: it is 128 random bits, and never a path.
void serve(const drogon::HttpRequestPtr& request, const store::MediaStore& files,
           std::initializer_list<std::string_view> endings, const Respond& respond) {
    const std::string_view path = request->path();
    const std::string_view name = path.substr(path.rfind('/') + 1);
    const bool allowed = std::ranges::any_of(
        endings, [&](std::string_view ending) { return name.ends_with(ending); });
    const auto file = files.path(name);
    if (!allowed || !file) {
        respond(error_response({ErrorKind::NotFound, "there is no such file"}));
        return;
    }
    respond(
        drogon::HttpResponse::newFileResponse(file->string(), "", drogon::CT_NONE, "", request));
}

}  // namespace

void add_media_routes(const RouteContext& context) {
    drogon::app().registerHandlerViaRegex(
        "/serve-audio/.+",
        [&files = context.services.audio_files](const drogon::HttpRequestPtr& request,
                                                Respond&& respond) {
            serve(request, files, {".wav"}, respond);
        },
        {drogon::Get});
    // Voice samples lie beside the pictures and are nobody's to fetch.
    drogon::app().registerHandlerViaRegex(
        "/serve-image/.+",
        [&files = context.services.files](const drogon::HttpRequestPtr& request,
                                          Respond&& respond) {
            serve(request, files, {".png", ".jpg"}, respond);
        },
        {drogon::Get});
}

}  // namespace titans::api
