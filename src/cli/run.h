#pragma once

#include <filesystem>
#include <span>
#include <string_view>

#include "cli/api_client.h"
#include "foundation/error.h"

namespace titans::cli {

using Words = std::span<const std::string_view>;

// One function for each word: it prints what it has to say. InvalidInput for wrong arguments.
Result<void> create(Words arguments, const ApiClient& api);
Result<void> ask(Words arguments, const ApiClient& api);
Result<void> list(Words arguments, const ApiClient& api);
Result<void> remove(Words arguments, const ApiClient& api);
Result<void> demo(Words arguments, const ApiClient& api);

/// A form's file. InvalidInput, naming the `option` that gave it, if it cannot be read.
Result<net::FormPart> file_part(std::string_view option, std::string field,
                                std::filesystem::path file);

}  // namespace titans::cli
