#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "config/settings.h"

namespace titans::cli {

/// Runs `word` if it is one that talks to a running server: create, ask, list, delete, demo.
/// Returns the process's exit status (0: done; 1: it failed, and standard error says why; 2: the
/// arguments are wrong), or nothing if `word` is another one.
std::optional<int> run_word(std::string_view word, std::span<const std::string_view> arguments,
                            const config::Settings& settings);

/// A line or more for each of these words, as `titans help` prints them.
std::string help();

}  // namespace titans::cli
