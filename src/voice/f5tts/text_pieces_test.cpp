#include "voice/f5tts/text_pieces.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::voice::f5tts {
namespace {

using testing::ElementsAre;

TEST(TextPieces, EndBehindPunctuationWithinTheLimit) {
    EXPECT_THAT(cut_text("One, two. Three four; five! Six?", 14),
                ElementsAre("One, two.", "Three four;", "five! Six?"));
    EXPECT_THAT(cut_text("One, two.", 100), ElementsAre("One, two."));
}

TEST(TextPieces, AreNotCutWithinNumbersOrWords) {
    EXPECT_THAT(cut_text("It is 3.5 m, or 1,000 mm.", 10),
                ElementsAre("It is 3.5 m,", "or 1,000 mm."));
    EXPECT_THAT(cut_text("Nothing here tells where to cut", 5),
                ElementsAre("Nothing here tells where to cut"));
}

TEST(TextPieces, CountChineseByBytesAndJoinItWithoutSpaces) {
    EXPECT_THAT(cut_text("你好，世界。再见！", 18), ElementsAre("你好，世界。", "再见！"));
    EXPECT_THAT(cut_text("你好。Hello. 世界。", 100), ElementsAre("你好。Hello. 世界。"));
}

TEST(TextPieces, KeepNothingOfSpacesAtTheirEnds) {
    EXPECT_THAT(cut_text("  One.   Two.\u3000", 4), ElementsAre("One.", "Two."));
    EXPECT_THAT(cut_text("", 4), ElementsAre());
    EXPECT_THAT(cut_text(" \n ", 4), ElementsAre(""));
}

TEST(TextPieces, AreAsLongAsTwentyTwoSecondsWithTheRecording) {
    EXPECT_EQ(longest_piece(10, 150, 1), 180);
    EXPECT_EQ(longest_piece(10, 150, 0.5), 90);
    EXPECT_EQ(longest_piece(30, 150, 1), 0);
}

TEST(TextPieces, TakeAsLongAByteAsTheRecording) {
    EXPECT_EQ(piece_frames(256'000, 100, 50, 1), 1500);
    EXPECT_EQ(piece_frames(256'000, 100, 50, 2), 1250);
    EXPECT_EQ(piece_frames(256'000, 100, 9, 1), 1300) << "a very short text gets more time";
    EXPECT_EQ(piece_frames(256'255, 3, 10, 1), 1000 + 3333);
}

TEST(TextPieces, FollowTheRecordingsWords) {
    EXPECT_EQ(end_reference_text("Hello"), "Hello. ");
    EXPECT_EQ(end_reference_text("Hello."), "Hello. ");
    EXPECT_EQ(end_reference_text("Hello. "), "Hello. ");
    EXPECT_EQ(end_reference_text("Hello!"), "Hello!. ");
    EXPECT_EQ(end_reference_text("你好。"), "你好。");
    EXPECT_EQ(before_new_text("Hello. "), "Hello.  ");
    EXPECT_EQ(before_new_text("你好。"), "你好。");
}

TEST(TextPieces, FadeIntoEachOther) {
    const std::vector<float> ones(4800, 1);
    const std::vector<float> twos(4800, 2);
    const std::vector<float> faded = cross_fade({ones, twos}, 0.1);
    ASSERT_EQ(faded.size(), 7200);
    EXPECT_EQ(faded[2399], 1);
    EXPECT_EQ(faded[2400], 1);
    EXPECT_NEAR(faded[3600], 1.5, 1e-3);
    EXPECT_EQ(faded[4799], 2);
    EXPECT_EQ(cross_fade({ones, twos}, 0).size(), 9600);
    EXPECT_EQ(cross_fade({ones, std::vector<float>(10)}, 1).size(), 4800);
    EXPECT_TRUE(cross_fade({}, 1).empty());
}

}  // namespace
}  // namespace titans::voice::f5tts
