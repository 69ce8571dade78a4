#include "text/letter_case.h"

#include <gtest/gtest.h>

namespace titans::text {
namespace {

TEST(LetterCase, LowersLettersOfAnyScript) {
    EXPECT_EQ(lower_case("WHAT'S ÉTÉ ЧТО 好?"), "what's été что 好?");
    EXPECT_EQ(lower_case(""), "");
}

TEST(LetterCase, LowersAsTheLanguageDoes) {
    EXPECT_EQ(lower_case("ILIK", "tr"), "ılık");
    EXPECT_EQ(lower_case("ILIK", "en"), "ilik");
}

TEST(LetterCase, CapitalizesTheFirstCharacterOnly) {
    EXPECT_EQ(capitalized("what is it"), "What is it");
    EXPECT_EQ(capitalized("été à nice"), "Été à nice");
    EXPECT_EQ(capitalized("istanbul", "tr"), "İstanbul");
    EXPECT_EQ(capitalized("好"), "好");
    EXPECT_EQ(capitalized(""), "");
}

TEST(LetterCase, FindsLowerCase) {
    EXPECT_FALSE(has_lower_case("<|ABC'ÉЧ好1"));
    EXPECT_TRUE(has_lower_case("ABч"));
}

}  // namespace
}  // namespace titans::text
