#pragma once

#include <cstdint>

namespace titans::models {

/// Bytes of memory that a model could take now: what the machine has for new work, and at most the
/// limit of this process's control group. 0 if the system does not say.
std::uint64_t free_memory();

}  // namespace titans::models
