#include "text/speakable.h"

#include <gtest/gtest.h>

#include "text/utf8.h"

namespace titans::text {
namespace {

TEST(Speakable, LeavesPlainTextOfEveryScriptAlone) {
    for (const char* text : {"It's 3.5 km, isn't it?", "你好，世界。", "नमस्ते दुनिया।", "كيف حالك؟",
                             "สวัสดีชาวโลก", "می‌خواهم", "Say \"yes\" (or no); wait...",
                             "3 * 4 = 12", "a < b and c > d", "ca. ~5 €"}) {
        EXPECT_EQ(speakable(text), text);
    }
}

TEST(Speakable, DropsTheMarksOfMarkdown) {
    EXPECT_EQ(speakable("**Bold**, *this*, __that__, ~~gone~~ and `code`."),
              "Bold, this, that, gone and code.");
    EXPECT_EQ(speakable("## A heading ##\n\nText."), "A heading. Text.");
    EXPECT_EQ(speakable("- one\n* two\n+ [x] three"), "one. two. three");
    EXPECT_EQ(speakable("> quoted\n---\n1. First"), "quoted. 1. First");
    EXPECT_EQ(speakable("use snake_case_names"), "use snake case names");
    EXPECT_EQ(speakable("| Name | Age |\n|---|---:|\n| Ada | 36 |"), "Name, Age. Ada, 36");
    EXPECT_EQ(speakable("a \\* b"), "a * b");
}

TEST(Speakable, DropsCode) {
    EXPECT_EQ(speakable("Before\n```cpp\nint x = 1;\n```\nafter."), "Before. after.");
    EXPECT_EQ(speakable("```\nnever closed"), "");
    EXPECT_EQ(speakable("~~~\n```\n~~~\nafter"), "after");
}

TEST(Speakable, SaysTheTextOfLinksAndTheHostsOfUrls) {
    EXPECT_EQ(speakable("See [the *docs*](https://example.com/a_(b)?c) now."), "See the docs now.");
    EXPECT_EQ(speakable("![a cat](cat.png) and [x][1]"), "a cat and x");
    EXPECT_EQ(speakable("Go to https://www.my-site.org:8080/a/b?c=d#e."), "Go to my site org.");
    EXPECT_EQ(speakable("(HTTP://Example.com/x), <https://a.io>, www.b.net!"),
              "(Example com), a io, b net!");
    EXPECT_EQ(speakable("[not a link] stays"), "[not a link] stays");
}

TEST(Speakable, DropsTagsAndReadsEntities) {
    EXPECT_EQ(speakable("<p class=\"x\">Fish &amp; <b>chips</b></p><!-- no -->"), "Fish & chips");
    EXPECT_EQ(speakable("one<br>two"), "one, two");
    EXPECT_EQ(speakable("I <3 you"), "I <3 you");
}

TEST(Speakable, DropsEmojisWithAllThatBelongsToThem) {
    EXPECT_EQ(speakable("Hi 👋🏽! Family: 👨‍👩‍👧‍👦, flag 🇩🇪 🏴󠁧󠁢󠁳󠁣󠁴󠁿, "
                        "heart ❤️."),
              "Hi! Family:, flag, heart.");
    EXPECT_EQ(speakable("1️⃣ is one"), "1 is one");
    EXPECT_EQ(speakable("🎉🎉"), "");
    EXPECT_EQ(speakable("© 2024 Titans™"), "© 2024 Titans™");
}

TEST(Speakable, SaysRepeatedPunctuationOnce) {
    EXPECT_EQ(speakable("What?!?! No!!! Hm...... well,, ok"), "What? No! Hm... well, ok");
    EXPECT_EQ(speakable("- - -"), "");
    EXPECT_EQ(speakable("..."), "");
    EXPECT_EQ(speakable("***"), "");
}

TEST(Speakable, IsEmptyForNothingAndSurvivesMalformedText) {
    EXPECT_EQ(speakable(""), "");
    EXPECT_EQ(speakable(" \n\t "), "");
    EXPECT_EQ(speakable("caf\xE9 \x01\x02 ok"), "caf ok");
    for (const char* text : {"[", "![", "[a](", "[[[[", "<", "<a", "&", "\\", "`", "**", "|",
                             "http://", "www.", ">", "#"}) {
        EXPECT_TRUE(is_utf8(speakable(text))) << text;
    }
}

}  // namespace
}  // namespace titans::text
