#include "text/utf8.h"

#include <gtest/gtest.h>

namespace titans::text {
namespace {

TEST(Utf8, AcceptsEveryScriptAndRefusesMalformedBytes) {
    EXPECT_TRUE(is_utf8(""));
    EXPECT_TRUE(is_utf8("Grüße, 世界, สวัสดี, नमस्ते, 👋"));
    EXPECT_TRUE(is_utf8("\xEF\xBF\xBD"));       // U+FFFD itself
    EXPECT_FALSE(is_utf8("caf\xE9"));           // Latin-1
    EXPECT_FALSE(is_utf8("\xC0\xAF"));          // overlong
    EXPECT_FALSE(is_utf8("\xED\xA0\x80"));      // surrogate
    EXPECT_FALSE(is_utf8("\xF4\x90\x80\x80"));  // beyond U+10FFFF
    EXPECT_FALSE(is_utf8("abc\xE4\xB8"));       // cut short
}

TEST(Utf8, ReplacesWhatIsMalformed) {
    EXPECT_EQ(to_utf8("caf\xE9!"), "caf\xEF\xBF\xBD!");
    EXPECT_EQ(to_utf8("世界"), "世界");
}

TEST(Utf8, TruncatesBetweenCodePoints) {
    EXPECT_EQ(truncate("世界", 6), "世界");
    EXPECT_EQ(truncate("世界", 5), "世");
    EXPECT_EQ(truncate("世界", 2), "");
    EXPECT_EQ(truncate("a👋", 4), "a");
    EXPECT_EQ(truncate("abc", 0), "");
}

TEST(Utf8, FindsTheStartOfACodePointWhoseRestIsMissing) {
    EXPECT_EQ(incomplete_bytes("abc"), 0U);
    EXPECT_EQ(incomplete_bytes("世"), 0U);
    EXPECT_EQ(incomplete_bytes("a\xE4\xB8"), 2U);
    EXPECT_EQ(incomplete_bytes("a\xF0\x9F\x91"), 3U);
    EXPECT_EQ(incomplete_bytes("a\xF0"), 1U);
    EXPECT_EQ(incomplete_bytes("\xB8\xB8\xB8\xB8"), 0U);  // malformed: nothing will complete it
}

TEST(Utf8, ReadsForwardsAndBackwardsAlike) {
    const std::string text = "aß世👋";
    std::u32string forwards;
    for (std::size_t at = 0; at < text.size();) forwards += next_code_point(text, at);
    std::u32string backwards;
    for (std::size_t at = text.size(); at > 0;) backwards += previous_code_point(text, at);
    EXPECT_EQ(forwards, U"aß世👋");
    EXPECT_EQ(backwards, U"👋世ßa");
    EXPECT_EQ(count_code_points(text), 4U);
}

TEST(Utf8, TrimsWhiteSpaceOfEveryScript) {
    EXPECT_EQ(trim(" \t\n世 界\xE3\x80\x80 "), "世 界");  // U+3000
    EXPECT_EQ(trim(" \n "), "");
    EXPECT_EQ(without_bom("\xEF\xBB\xBFx"), "x");
}

}  // namespace
}  // namespace titans::text
