#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace titans {

/// The processor as the operating system describes it.
struct Processor {
    std::string name;                   // empty if it does not say
    int cores = 0;                      // that this process may use
    std::vector<std::string> features;  // of those that matter for computing: avx2, avx512f, ...
};

/// `cpuinfo`: what /proc/cpuinfo says.
Processor parse_processor(std::string_view cpuinfo);
Processor read_processor();

/// In bytes; 0 for what is not known.
struct Memory {
    std::uint64_t resident = 0;   // of this process
    std::uint64_t available = 0;  // of the machine, for new work
    std::uint64_t total = 0;
};

/// `statm`, `meminfo`: what /proc/self/statm and /proc/meminfo say. `page`: bytes.
Memory parse_memory(std::string_view statm, std::string_view meminfo, std::uint64_t page);
Memory read_memory();

}  // namespace titans
