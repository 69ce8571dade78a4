#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <string_view>

#include "foundation/error.h"

namespace titans::models {

// Rises when `titans convert` writes something else than before: models are then converted anew.
inline constexpr int kConverterVersion = 2;

/// Converts `input` of `source_bytes` by a child process, `program convert KIND`, to `result`,
/// which appears whole or not at all. Errors: InvalidInput with the converter's own words about the
/// input, if it refused that; Cancelled; Internal.
Result<void> convert_model(const std::filesystem::path& program, std::string_view kind,
                           const std::filesystem::path& input, const std::filesystem::path& result,
                           std::uint64_t source_bytes, const std::stop_token& stop);

/// A hard link, or a copy where the file system has none between the two.
Result<void> link_or_copy(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace titans::models
