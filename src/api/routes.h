#pragma once

#include <stop_token>

#include "api/server.h"

namespace titans::api {

/// What every route gets. Outlives the server.
struct RouteContext {
    ServerOptions options;
    Services services;
    std::stop_source shutdown;
};

/// POST /create-character, GET /get-characters, GET /get-character/<id>, DELETE
/// /delete-character/<id>.
void add_character_routes(const RouteContext& context);

/// POST /ask-question-text, POST /ask-question-audio.
void add_ask_routes(const RouteContext& context);

/// GET /health, GET /openapi.json, GET /docs.
void add_meta_routes(const RouteContext& context);

/// POST /download-model.
void add_model_routes(const RouteContext& context);

/// GET /serve-audio/<slug>/<name>, GET /serve-image/<slug>/<name>.
void add_media_routes(const RouteContext& context);

}  // namespace titans::api
