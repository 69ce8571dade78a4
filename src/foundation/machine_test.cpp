#include "foundation/machine.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(Machine, NamesTheProcessorAndWhatMattersOfItsFeatures) {
    const Processor processor = parse_processor(
        "processor\t: 0\nmodel name\t: Quick 9 @ 3.0GHz\nflags\t\t: fpu avx2 avx512f "
        "avx512_bf16 amx_int8 sse\n\nprocessor\t: 1\nmodel name\t: Other\nflags\t\t: fpu\n");
    EXPECT_EQ(processor.name, "Quick 9 @ 3.0GHz");
    EXPECT_THAT(processor.features, ElementsAre("avx2", "avx512f", "avx512_bf16", "amx_int8"));
}

TEST(Machine, KnowsNothingOfAProcessorThatIsNotDescribed) {
    EXPECT_THAT(parse_processor("").name, IsEmpty());
    EXPECT_THAT(parse_processor("flags").features, IsEmpty());
}

TEST(Machine, CountsMemoryInBytes) {
    const Memory memory = parse_memory(
        "5000 300 20 1 0 9 0\n", "MemTotal:        2048 kB\nMemAvailable:    1024 kB\n", 4096);
    EXPECT_EQ(memory.resident, 300U * 4096);
    EXPECT_EQ(memory.total, 2U << 20);
    EXPECT_EQ(memory.available, 1U << 20);
}

TEST(Machine, SaysZeroForMemoryThatIsNotDescribed) {
    for (const char* statm : {"", "12", "12 ", "x y"}) {
        EXPECT_EQ(parse_memory(statm, "", 4096).resident, 0U) << statm;
    }
}

TEST(Machine, IsThisOne) {
    EXPECT_GT(read_processor().cores, 0);
    const Memory memory = read_memory();
    EXPECT_GT(memory.resident, 0U);
    EXPECT_GT(memory.total, memory.resident);
}

}  // namespace
}  // namespace titans
