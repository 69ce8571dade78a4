#pragma once

#include <drogon/HttpResponse.h>

#include <nlohmann/json.hpp>
#include <string>

#include "foundation/error.h"

namespace titans::api {

/// The one place that says which HTTP status an error is. 405 and 415 are the router's.
drogon::HttpStatusCode status_of(ErrorKind kind);

/// `{"status": "error", "error": message}`.
nlohmann::json error_body(const std::string& message);

drogon::HttpResponsePtr json_response(const nlohmann::json& body,
                                      drogon::HttpStatusCode status = drogon::k200OK);

/// From now on errors carry their `detail` (DEBUG=true). Call it before the server starts.
void show_details();

/// Logs `error` with its detail, and answers with its message.
drogon::HttpResponsePtr error_response(const Error& error);

}  // namespace titans::api
