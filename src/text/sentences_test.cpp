#include "text/sentences.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::text {
namespace {

using ::testing::ElementsAre;

TEST(Sentences, AreCutAtTheirEnds) {
    SentenceCutter cutter("en");
    EXPECT_THAT(cutter.cut("  It rains. Does it?  Yes!\nThen stay."),
                ElementsAre("It rains.", "Does it?", "Yes!", "Then stay."));
    EXPECT_THAT(cutter.cut(" \n "), ElementsAre());
    EXPECT_THAT(cutter.cut(""), ElementsAre());
}

TEST(Sentences, GoOnBehindAbbreviationsAndNumbers) {
    SentenceCutter cutter("en");
    EXPECT_THAT(cutter.cut("Dr. Smith paid 3.5 pounds, e.g. Tuesday. J. R. Hale did not."),
                ElementsAre("Dr. Smith paid 3.5 pounds, e.g. Tuesday.", "J. R. Hale did not."));
    EXPECT_THAT(cutter.cut("See Fig. 3 and No. 5. No. Never."),
                ElementsAre("See Fig. 3 and No. 5.", "No.", "Never."));
    EXPECT_THAT(cutter.cut("He lives in the U.S. now. So do I. You too."),
                ElementsAre("He lives in the U.S. now.", "So do I.", "You too."));
    SentenceCutter german("de");
    EXPECT_THAT(german.cut("Er kam z.B. Montag. Hr. Groß nicht."),
                ElementsAre("Er kam z.B. Montag.", "Hr. Groß nicht."));
}

TEST(Sentences, AreFoundInEveryScript) {
    SentenceCutter cutter;
    EXPECT_THAT(cutter.cut("你好。你在哪里？我在这里。"),
                ElementsAre("你好。", "你在哪里？", "我在这里。"));
    EXPECT_THAT(cutter.cut("كيف حالك؟ أنا بخير."), ElementsAre("كيف حالك؟", "أنا بخير."));
    EXPECT_THAT(cutter.cut("नमस्ते। आप कैसे हैं?"), ElementsAre("नमस्ते।", "आप कैसे हैं?"));
}

TEST(Sentences, SurviveMalformedTextAndUnknownLocales) {
    SentenceCutter cutter("!!nonsense--");
    EXPECT_EQ(cutter.cut("a\xFF\xFE. B.").size(), 2U);
}

}  // namespace
}  // namespace titans::text
