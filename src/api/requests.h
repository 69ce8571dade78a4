#pragma once

#include <drogon/HttpRequest.h>
#include <drogon/MultiPart.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::api {

/// A character's id as the API takes it: digits.
/// InvalidInput naming `field`.
Result<CharacterId> parse_character_id(std::string_view text,
                                       std::string_view field = "character_id");

/// True if the request says that its body is of this media type ("application/json").
bool has_media_type(const drogon::HttpRequestPtr& request, std::string_view type);

/// "http://host:port", where clients reach this server: PUBLIC_URL if it is set, else the request's
/// own Host.
std::string base_url(const drogon::HttpRequestPtr& request, const std::string& public_url);

/// Stops the work for one request when its client has gone, its time is over or the server shuts
/// down.
///
/// Lives on the request's event loop.
class RequestStop {
public:
    RequestStop(drogon::HttpRequestPtr request, std::chrono::seconds deadline,
                std::stop_token shutdown);
    ~RequestStop();
    RequestStop(const RequestStop&) = delete;
    RequestStop& operator=(const RequestStop&) = delete;

    std::stop_token token() const;
    void request_stop();

    /// What Cancelled means here: Timeout if the deadline was the reason. Other errors stay as they
    /// are.
    Error explain(Error error) const;

private:
    struct State;
    std::shared_ptr<State> state_;
};

}  // namespace titans::api
