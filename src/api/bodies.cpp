#include "api/bodies.h"

#include "api/requests.h"
#include "api/status.h"
#include "character/settings_reader.h"

namespace titans::api {

using nlohmann::ordered_json;

drogon::HttpResponsePtr unsupported_body(const char* wanted) {
    return json_response(error_body(std::format("the body must be {}", wanted)),
                         drogon::k415UnsupportedMediaType);
}

Result<ordered_json> parse_body(const drogon::HttpRequestPtr& request) {
    constexpr int kMaxDepth = 8;
    ordered_json body = character::parse_bounded(request->body(), kMaxDepth);
    if (!body.is_object()) return fail(ErrorKind::InvalidInput, "the body must be a JSON object");
    return body;
}

Result<CharacterId> read_character_id(const ordered_json& body) {
    const auto id = body.find("character_id");
    if (id == body.end()) return fail(ErrorKind::InvalidInput, "character_id: is required");
    return parse_character_id(id->is_string() ? id->get<std::string>() : id->dump());
}

}  // namespace titans::api
