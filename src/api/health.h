#pragma once

#include <functional>
#include <string>
#include <vector>

#include "execution/task.h"
#include "foundation/error.h"
#include "models/downloads.h"
#include "models/model_store.h"

namespace titans::api {

struct QueueLength {
    std::string executor;
    std::size_t waiting = 0;
};

/// What GET /health asks the rest of the server. All but `models` and `database_reachable` are
/// called on an event loop and must not block.
struct HealthSources {
    std::string version;
    std::string database_kind;  // "sqlite", "postgresql"
    std::function<Task<bool>()> database_reachable;
    std::function<std::vector<QueueLength>()> queues;
    std::function<std::size_t()> active_turns;
    std::function<std::vector<std::string>()> loaded_models;
    std::function<Task<Result<std::vector<models::ModelStatus>>>()> models;
    std::function<std::vector<models::DownloadStatus>()> downloads;
};

}  // namespace titans::api
