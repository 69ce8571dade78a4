#include "models/memory.h"

#include <gtest/gtest.h>

#include "foundation/machine.h"

namespace titans::models {
namespace {

TEST(FreeMemoryTest, IsSomeOfTheMachines) {
    EXPECT_GT(free_memory(), std::uint64_t{1} << 20);
    EXPECT_LE(free_memory(), read_memory().total);
}

}  // namespace
}  // namespace titans::models
