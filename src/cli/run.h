#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "config/settings.h"
#include "foundation/error.h"
#include "net/http_client.h"

namespace titans::cli {

using Words = std::span<const std::string_view>;

// One function for each word: it prints what it has to say. InvalidInput for wrong arguments.
Result<void> create(Words arguments, const config::Settings& settings);
Result<void> update(Words arguments, const config::Settings& settings);
Result<void> load(Words arguments, const config::Settings& settings);
Result<void> ask(Words arguments, const config::Settings& settings);
Result<void> list(Words arguments, const config::Settings& settings);
Result<void> remove(Words arguments, const config::Settings& settings);
Result<void> demo(Words arguments, const config::Settings& settings);

/// A form's file. InvalidInput, naming the `option` that gave it, if it cannot be read.
Result<net::FormPart> file_part(std::string_view option, std::string field,
                                std::filesystem::path file);

}  // namespace titans::cli
