#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

#include "foundation/error.h"
#include "net/verified_file.h"

namespace titans::models {

/// Appends one member of a ZIP archive to `out`, whose expected size bounds it.
/// Errors: NotFound if there is no such member; Upstream if the archive is damaged; TooLarge;
/// Cancelled; Busy if the disk is full.
Result<void> extract_member(const std::filesystem::path& archive, const std::string& member,
                            net::VerifiedFile& out, const std::stop_token& stop);

}  // namespace titans::models
