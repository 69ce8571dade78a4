#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace titans::checkpoint {

/// The SHA-256 of all `parts`, one after the other, in lower-case hexadecimal digits.
std::string sha256(const std::vector<std::span<const std::byte>>& parts);

}  // namespace titans::checkpoint
