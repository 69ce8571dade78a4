#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "foundation/error.h"

namespace titans::checkpoint {

/// Parses one JSON value. Errors: InvalidInput if it is not JSON, nests deeper than `max_depth` (a
/// number's is 0, that of [1] is 1), or names a key twice in one object.
Result<nlohmann::json> parse_json(std::string_view text, int max_depth);

/// The value in a file of at most 32 MiB, at most 12 deep. Errors: as MappedFile::open and
/// parse_json, naming the file.
Result<nlohmann::json> read_json(const std::filesystem::path& path);

/// The object in a model's configuration file, at most 1 MiB and 8 deep. Errors: as
/// MappedFile::open and parse_json.
Result<nlohmann::json> read_config(const std::filesystem::path& path);

/// The same; an empty object where there is no such file.
Result<nlohmann::json> read_config_if_there(const std::filesystem::path& path);

}  // namespace titans::checkpoint
