#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace titans::api {

/// The OpenAPI description as one HTML page that needs nothing else: no script, no other file.
std::string docs_page(const nlohmann::json& openapi);

}  // namespace titans::api
