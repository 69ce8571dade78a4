#include "text/slug.h"

#include <gtest/gtest.h>

namespace titans::text {
namespace {

TEST(Slug, WritesNamesOfAnyScriptInLatinLetters) {
    EXPECT_EQ(slug("Ada Lovelace"), "ada-lovelace");
    EXPECT_EQ(slug("Jürgen Groß"), "jurgen-gross");
    EXPECT_EQ(slug("Łukasz O'Brien"), "lukasz-obrien");
    EXPECT_EQ(slug("Мария"), "maria");
    EXPECT_EQ(slug("孔子"), "kong-zi");
    EXPECT_EQ(slug("Ελένη"), "elene");
}

TEST(Slug, HoldsNothingButLettersDigitsAndSingleHyphens) {
    EXPECT_EQ(slug("  ../../etc/passwd%00 "), "etc-passwd-00");
    EXPECT_EQ(slug("<script>alert(1)</script>"), "script-alert-1-script");
    EXPECT_EQ(slug("a--b__c"), "a-b-c");
    for (const char* name : {"مرحبا", "สวัสดี", "नमस्ते", "한국어", "日本"}) {
        EXPECT_FALSE(slug(name).empty()) << name;
        EXPECT_EQ(slug(name).find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"),
                  std::string::npos)
            << slug(name);
    }
}

TEST(Slug, IsEmptyIfNothingCanBeWritten) {
    EXPECT_EQ(slug(""), "");
    EXPECT_EQ(slug("👋🎉"), "");
    EXPECT_EQ(slug("\xFF\xFE"), "");
}

TEST(Slug, HasAtMostSixtyBytes) {
    EXPECT_EQ(slug(std::string(5000, 'a')), std::string(60, 'a'));
    std::string words;
    for (int i = 0; i < 40; ++i) words += "ab ";
    EXPECT_LE(slug(words).size(), 60U);
    EXPECT_FALSE(slug(words).ends_with('-'));
}

}  // namespace
}  // namespace titans::text
