#include "text/pauses.h"

#include <gtest/gtest.h>

namespace titans::text {
namespace {

TEST(Pauses, AreLongestBehindSentences) {
    const Milliseconds sentence = pause_behind("It is late.");
    EXPECT_EQ(pause_behind("Is it late?"), sentence);
    EXPECT_EQ(pause_behind("很晚了。"), sentence);
    EXPECT_GT(pause_behind("It is late..."), sentence);
    EXPECT_GT(sentence, pause_behind("It is late,"));
    EXPECT_EQ(pause_behind("很晚，"), pause_behind("It is late,"));
    EXPECT_GT(pause_behind("It is late,"), pause_behind("It is late"));
    EXPECT_EQ(pause_behind(""), pause_behind("It is late"));
}

TEST(Pauses, AreTheSameWithinQuotations) {
    EXPECT_EQ(pause_behind("He said: \"It is late.\""), pause_behind("It is late."));
    EXPECT_EQ(pause_behind("(It is late.) "), pause_behind("It is late."));
}

}  // namespace
}  // namespace titans::text
