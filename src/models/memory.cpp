#include "models/memory.h"

#include <algorithm>
#include <fstream>

#include "foundation/machine.h"

namespace titans::models {

std::uint64_t free_memory() {
    const std::uint64_t available = read_memory().available;
    // Inside a container its own group is the root; without a limit the file says "max".
    std::uint64_t limit = 0;
    return std::ifstream("/sys/fs/cgroup/memory.max") >> limit ? std::min(available, limit)
                                                               : available;
}

}  // namespace titans::models
