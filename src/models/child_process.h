#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "foundation/error.h"

namespace titans::models {

struct ChildLimits {
    std::chrono::milliseconds time{std::chrono::minutes(10)};
    std::filesystem::path output;    // a file that the child writes; empty: none is watched
    std::uint64_t output_bytes = 0;  // how large it may get
};

struct ChildEnd {
    int status = 0;         // exit status; 128 + the signal if one ended it
    std::string last_line;  // of its standard error, at most 500 bytes of printable text
};

/// Runs `command`, found on the PATH, without a shell, without input, and waits for its end. Its
/// standard output is dropped. Past a limit, or when `stop` fires, it is killed.
/// Errors: NotFound if there is no such program; Timeout; TooLarge; Cancelled; Internal.
Result<ChildEnd> run_child(const std::vector<std::string>& command, const ChildLimits& limits,
                           const std::stop_token& stop);

}  // namespace titans::models
