#include "api/status.h"

#include "foundation/log.h"

namespace titans::api {
namespace {

// Of the process, as the log's level is.
bool details_shown = false;

}  // namespace

drogon::HttpStatusCode status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::InvalidInput:
            return drogon::k400BadRequest;
        case ErrorKind::NothingHeard:
            return drogon::k422UnprocessableEntity;
        case ErrorKind::Unauthorized:
            return drogon::k401Unauthorized;
        case ErrorKind::Forbidden:
            return drogon::k403Forbidden;
        case ErrorKind::NotFound:
            return drogon::k404NotFound;
        case ErrorKind::Conflict:
            return drogon::k409Conflict;
        case ErrorKind::TooLarge:
            return drogon::k413RequestEntityTooLarge;
        case ErrorKind::Unsupported:
            return drogon::k501NotImplemented;
        case ErrorKind::Busy:
        case ErrorKind::Cancelled:  // nobody reads it, or the server shuts down
            return drogon::k503ServiceUnavailable;
        case ErrorKind::Timeout:
            return drogon::k504GatewayTimeout;
        case ErrorKind::Upstream:
            return drogon::k502BadGateway;
        case ErrorKind::Internal:
            return drogon::k500InternalServerError;
    }
    return drogon::k500InternalServerError;
}

nlohmann::json error_body(const std::string& message) {
    return {{"status", "error"}, {"error", message}};
}

drogon::HttpResponsePtr json_response(const nlohmann::json& body, drogon::HttpStatusCode status) {
    auto response = drogon::HttpResponse::newHttpResponse();
    response->setStatusCode(status);
    response->setContentTypeCode(drogon::CT_APPLICATION_JSON);
    response->addHeader("Cache-Control", "no-store");
    response->addHeader("X-Content-Type-Options", "nosniff");
    // A mind may write bytes that are no UTF-8; they become U+FFFD.
    response->setBody(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    return response;
}

void show_details() { details_shown = true; }

drogon::HttpResponsePtr error_response(const Error& error) {
    const drogon::HttpStatusCode status = status_of(error.kind);
    if (status >= 500) {
        log::error("request.failed", "kind={} message=\"{}\" detail=\"{}\"", to_string(error.kind),
                   error.message, error.detail);
    } else {
        log::debug("request.refused", "kind={} message=\"{}\" detail=\"{}\"", to_string(error.kind),
                   error.message, error.detail);
    }
    nlohmann::json body = error_body(error.message);
    if (details_shown) body["detail"] = error.detail;
    auto response = json_response(body, status);
    if (status == drogon::k503ServiceUnavailable) response->addHeader("Retry-After", "2");
    return response;
}

}  // namespace titans::api
