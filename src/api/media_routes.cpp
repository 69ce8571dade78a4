#include <drogon/HttpAppFramework.h>

#include <filesystem>

#include "api/byte_range.h"
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

std::string_view media_type(const std::filesystem::path& file) {
    const std::string extension = file.extension().string();
    if (extension == ".wav") return "audio/wav";
    if (extension == ".mp3") return "audio/mpeg";
    if (extension == ".flac") return "audio/flac";
    if (extension == ".ogg") return "audio/ogg";
    if (extension == ".png") return "image/png";
    if (extension == ".jpg" || extension == ".jpeg") return "image/jpeg";
    return "application/octet-stream";
}

/// What every answer about a file says: a stored name never gets other bytes.
void add_headers(const drogon::HttpResponsePtr& response, const std::string& etag) {
    response->addHeader("ETag", etag);
    response->addHeader("Accept-Ranges", "bytes");
    response->addHeader("Cache-Control", "private, max-age=604800, immutable");
    response->addHeader("X-Content-Type-Options", "nosniff");
}

drogon::HttpResponsePtr part_of(const std::filesystem::path& file, std::uint64_t offset,
                                std::uint64_t count) {
    return drogon::HttpResponse::newFileResponse(file.string(), offset, count,
                                                 /*setContentRange=*/false, "", drogon::CT_CUSTOM,
                                                 std::string(media_type(file)));
}

drogon::HttpResponsePtr file_response(const drogon::HttpRequestPtr& request,
                                      const std::filesystem::path& file) {
    std::error_code failed;
    const std::uint64_t size = std::filesystem::file_size(file, failed);
    if (failed) return error_response({ErrorKind::NotFound, "there is no such file"});
    const std::string etag = std::format("\"{}\"", file.filename().string());
    if (names_etag(request->getHeader("if-none-match"), etag)) {
        auto response = drogon::HttpResponse::newHttpResponse();
        response->setStatusCode(drogon::k304NotModified);
        add_headers(response, etag);
        return response;
    }
    std::optional<ByteRange> range;
    const std::string& condition = request->getHeader("if-range");
    if (condition.empty() || condition == etag)
        range = parse_byte_range(request->getHeader("range"), size);
    if (range && range->count == 0) {
        auto response = json_response(error_body(std::format("Range: the file has {} bytes", size)),
                                      drogon::k416RequestedRangeNotSatisfiable);
        response->addHeader("Content-Range", std::format("bytes */{}", size));
        return response;
    }
    auto response = part_of(file, range ? range->first : 0, range ? range->count : 0);
    if (range) {
        response->setStatusCode(drogon::k206PartialContent);
        response->addHeader("Content-Range", std::format("bytes {}-{}/{}", range->first,
                                                         range->first + range->count - 1, size));
    }
    add_headers(response, etag);
    return response;
}

void send_file(const drogon::HttpRequestPtr& request, const Result<std::filesystem::path>& file,
               const Respond& respond) {
    respond(file ? file_response(request, *file) : error_response(file.error()));
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
