#pragma once

#include "config/settings.h"
#include "models/model_store.h"

namespace titans::app {

/// The model files as `settings` say. Converters run as children of this very program.
inline models::ModelStore make_model_store(const config::Settings& settings) {
    return models::ModelStore({.models_dir = settings.models.folder,
                               .downloads_dir = settings.models.downloads,
                               .hub_endpoint = settings.models.hub_endpoint,
                               .hub_token = settings.models.hub_token,
                               .program = "/proc/self/exe",
                               .root = settings.root,
                               .accepted_licences = settings.models.accepted_licences});
}

}  // namespace titans::app
