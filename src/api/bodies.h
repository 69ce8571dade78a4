#pragma once

#include <drogon/HttpRequest.h>
#include <drogon/HttpResponse.h>

#include <nlohmann/json.hpp>

#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::api {

/// 415 for a body that is not of the media type `wanted`.
drogon::HttpResponsePtr unsupported_body(const char* wanted);

/// The JSON object that is the body. Errors: InvalidInput, also for one that is nested deeply.
Result<nlohmann::ordered_json> parse_body(const drogon::HttpRequestPtr& request);

/// `character_id` of a JSON body: a number, or its digits as text. Errors: InvalidInput.
Result<CharacterId> read_character_id(const nlohmann::ordered_json& body);

}  // namespace titans::api
