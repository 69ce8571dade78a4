#include "foundation/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans {
namespace {

TEST(Log, WritesOneLineWhateverStandsInIt) {
    testing::internal::CaptureStderr();
    log::error("turn.failed", "name=\"{}\"", "Eve\r\n2026 error forged \x1b[2J\x7f");
    const std::string lines = testing::internal::GetCapturedStderr();
    EXPECT_THAT(lines, testing::HasSubstr("turn.failed name=\"Eve"));
    EXPECT_EQ(std::ranges::count(lines, '\n'), 1);
    EXPECT_TRUE(lines.ends_with('\n'));
    for (const char control : {'\r', '\x1b', '\x7f'}) EXPECT_FALSE(lines.contains(control));
}

}  // namespace
}  // namespace titans
