#include "hearing/whisper/spoken_text.h"

#include <gtest/gtest.h>

namespace titans::hearing::whisper {
namespace {

TEST(SpokenText, KeepsWhatWasSaid) {
    EXPECT_EQ(spoken_text(" And Mr. Dashwood had leisure."), "And Mr. Dashwood had leisure.");
    EXPECT_EQ(spoken_text(" أركان الإسلام "), "أركان الإسلام");
    EXPECT_EQ(spoken_text("你好。"), "你好。");
}

TEST(SpokenText, DropsCaptionsOfSounds) {
    EXPECT_EQ(spoken_text(" [BLANK_AUDIO]"), "");
    EXPECT_EQ(spoken_text("(upbeat music)"), "");
    EXPECT_EQ(spoken_text(" *coughs* "), "");
    EXPECT_EQ(spoken_text("\u266A la la \u266B"), "la la");
    EXPECT_EQ(spoken_text("Well, (laughter) I never."), "Well, I never.");
    EXPECT_EQ(spoken_text("[music] Hello [applause]"), "Hello");
}

TEST(SpokenText, IsEmptyIfOnlyMarksAreLeft) {
    EXPECT_EQ(spoken_text("."), "");
    EXPECT_EQ(spoken_text(" - ... ! "), "");
    EXPECT_EQ(spoken_text(""), "");
}

TEST(SpokenText, LeavesWhatIsNotClosed) { EXPECT_EQ(spoken_text("2 * 3 (or so"), "2 * 3 (or so"); }

TEST(SpokenText, IsAlwaysValidUtf8) { EXPECT_EQ(spoken_text("caf\xC3"), "caf\uFFFD"); }

}  // namespace
}  // namespace titans::hearing::whisper
