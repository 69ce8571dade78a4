#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string_view>

#include "foundation/error.h"

namespace titans::checkpoint {

/// The object that a file of YAML says, of the little that models' settings need of YAML: `key:`
/// with an indented object below it, or `key: scalar` in one line, and remarks. Whole numbers,
/// true, false and null are read as such, all other scalars as text. Errors: InvalidInput, naming
/// the line, for everything else that YAML has (lists, anchors, tags, objects in braces, text over
/// several lines, tabs), a key that is there twice, and more than 8 levels.
Result<nlohmann::json> parse_yaml(std::string_view text);

/// The same of a file of at most 64 KiB. Errors: as MappedFile::open and parse_yaml, naming the
/// file.
Result<nlohmann::json> read_yaml(const std::filesystem::path& path);

}  // namespace titans::checkpoint
