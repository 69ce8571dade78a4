#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "api/health.h"
#include "character/characters.h"
#include "character/conversation.h"
#include "character/voices.h"
#include "foundation/secret.h"
#include "models/downloads.h"

namespace titans::api {

struct ServerOptions {
    std::string host;
    std::uint16_t port = 0;
    std::string public_url;                  // empty: from each request
    std::vector<std::string> allowed_hosts;  // of the Host header, lower case, without ports
    std::size_t max_upload_bytes = 0;
    std::chrono::seconds request_timeout{};
    Secret api_key;                 // empty: none is asked for
    std::filesystem::path uploads;  // where large bodies wait on disk
    bool debug = false;             // errors carry their `detail`
};

/// What the routes bring together.
struct Services {
    character::Characters& characters;
    character::Conversation& conversation;
    const character::Voices& voices;
    models::Downloads& downloads;
    HealthSources health;
};

/// The HTTP server: routes to `services`, until the process is told to end (SIGINT, SIGTERM).
///
/// `on_start` is called on an event loop just before it listens. `shutdown` is stopped when the end
/// begins. There is one in a process: Drogon's application is.
void run_server(const ServerOptions& options, Services services, std::function<void()> on_start,
                std::stop_source shutdown);

}  // namespace titans::api
