#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "foundation/error.h"

namespace titans::checkpoint {

struct Limits {
    std::uint64_t memory_bytes = 8ULL << 30;  // of address space: mapped files count
    std::chrono::seconds cpu_time{600};       // of all threads together
    std::uint64_t file_bytes = 16ULL << 30;   // of each file written
};

/// Takes from this process, for good, what reading a foreign file does not need: memory, processor
/// time and file size beyond `limits`, new privileges, the network, other programs and processes.
/// Call it first thing in the child that reads the file, before it has a second thread. What breaks
/// a rule fails with an errno (EPERM, ENOMEM, EFBIG); too much processor time ends the process.
/// Returns what was got, for the log ("limits seccomp network-namespace"): where the system forbids
/// new namespaces the system-call filter alone keeps the process off the network. Errors: Internal
/// if the limits or the filter cannot be set.
Result<std::string> enter_sandbox(const Limits& limits);

}  // namespace titans::checkpoint
