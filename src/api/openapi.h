#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace titans::api {

/// The OpenAPI description of every endpoint (openapi.json), but for `servers`.
nlohmann::json openapi_description(const std::string& version);

}  // namespace titans::api
