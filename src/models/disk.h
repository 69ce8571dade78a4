#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <system_error>

#include "foundation/error.h"

namespace titans::models {

/// Internal with `message`, or Busy if the disk is full.
std::unexpected<Error> disk_error(std::string message, const std::filesystem::path& path,
                                  const std::error_code& code);

bool has_size(const std::filesystem::path& file, std::uint64_t bytes);

Result<void> rename_file(const std::filesystem::path& from, const std::filesystem::path& to);

/// A JSON file of ours; discarded if it is not there, larger than that or no JSON.
nlohmann::json read_record(const std::filesystem::path& file, std::uintmax_t max_bytes);

/// Writes it and makes it last.
Result<void> write_record(const nlohmann::json& record, const std::filesystem::path& file);

}  // namespace titans::models
