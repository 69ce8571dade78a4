#pragma once

#include <filesystem>

namespace titans::models {

/// Removes from the models' folder what killed processes left there and nobody works on: folders
/// of the catalogue's fetches (.NAME.part), downloads of repositories that nobody has gone on with
/// for a week (.ORG--NAME.download), and half-converted files (*.converting) of yesterday.
void sweep_leftovers(const std::filesystem::path& models_dir);

}  // namespace titans::models
