#include "cli/terminal.h"

#include <gtest/gtest.h>

namespace titans::cli {
namespace {

TEST(Printable, KeepsTextInAnyScript) {
    EXPECT_EQ(printable("Zoë\t灯台守\nÂ Маяк"), "Zoë\t灯台守\nÂ Маяк");
}

TEST(Printable, DropsWhatSteersATerminal) {
    EXPECT_EQ(printable("\x1b[31mred\x07\r\x7f"), "[31mred");
    EXPECT_EQ(printable("a\xc2\x9b"
                        "2Jb"),
              "a2Jb");
}

}  // namespace
}  // namespace titans::cli
