#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "foundation/error.h"

namespace titans::checkpoint {

/// The tokens of a model, in order: the lines of a .txt file, or the strings of a .json file's one
/// list. Errors: as MappedFile::open; InvalidInput if it is larger than 32 MiB or not such a list.
Result<std::vector<std::string>> read_vocabulary(const std::filesystem::path& path);

}  // namespace titans::checkpoint
