#include "models/memory.h"

#include <algorithm>
#include <fstream>
#include <string>

namespace titans::models {

std::uint64_t free_memory() {
    std::uint64_t available = 0;
    std::ifstream stream("/proc/meminfo");
    for (std::string word; stream >> word;) {
        if (word == "MemAvailable:" && stream >> available) break;
    }
    available *= 1024;
    // Inside a container its own group is the root; without a limit the file says "max".
    std::uint64_t limit = 0;
    return std::ifstream("/sys/fs/cgroup/memory.max") >> limit ? std::min(available, limit)
                                                               : available;
}

}  // namespace titans::models
