#include "mind/text_stream.h"

#include <gtest/gtest.h>

namespace titans::mind {
namespace {

struct Sink {
    std::vector<std::string> pieces;
    TextSink sink = [this](std::string_view piece) { pieces.emplace_back(piece); };
};

TEST(TextStream, PassesOnOnlyWholeCharacters) {
    Sink got;
    TextStream stream({}, got.sink);
    EXPECT_TRUE(stream.add("a\xE2"));
    EXPECT_TRUE(stream.add("\x82"));
    EXPECT_EQ(got.pieces, std::vector<std::string>{"a"});
    EXPECT_TRUE(stream.add("\xAC!"));
    stream.finish();
    EXPECT_EQ(got.pieces, (std::vector<std::string>{"a", "\xE2\x82\xAC!"}));
    EXPECT_EQ(stream.text(), "a\xE2\x82\xAC!");
}

TEST(TextStream, ReplacesBytesThatAreNoCharacter) {
    for (const auto& [bytes, expected] : std::vector<std::pair<std::string, std::string>>{
             {"a\xFFz", "a\xEF\xBF\xBDz"},
             {"\x80z", "\xEF\xBF\xBDz"},
             {"\xC0\xAFz", "\xEF\xBF\xBD\xEF\xBF\xBDz"},                  // overlong
             {"\xE2\x82z", "\xEF\xBF\xBDz"},                              // cut short
             {"\xED\xA0\x80z", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz"},  // a surrogate
             {"\xF4\x90\x80\x80z", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBDz"}}) {
        TextStream stream({}, {});
        for (const char byte : bytes) stream.add({&byte, 1});
        stream.finish();
        EXPECT_EQ(stream.text(), expected);
    }
}

TEST(TextStream, DropsACharacterThatWasNeverCompleted) {
    TextStream stream({}, {});
    stream.add("ab\xF0\x9F\x98");
    stream.finish();
    EXPECT_EQ(stream.text(), "ab");
}

TEST(TextStream, EndsBeforeTheFirstStopString) {
    Sink got;
    TextStream stream({"\nUser:", "###"}, got.sink);
    EXPECT_TRUE(stream.add("Yes.\nUs"));
    EXPECT_EQ(stream.text(), "Yes.");  // the rest may become a stop string
    EXPECT_FALSE(stream.add("er: more ###"));
    EXPECT_FALSE(stream.add("nothing after it"));
    stream.finish();
    EXPECT_EQ(stream.text(), "Yes.");
}

TEST(TextStream, PassesOnWhatTurnsOutToBeNoStopString) {
    TextStream stream({"abac"}, {});
    stream.add("xaba");
    EXPECT_EQ(stream.text(), "x");
    stream.add("bac");  // the stop string began later than it seemed
    EXPECT_EQ(stream.text(), "xab");
    TextStream other({"abac"}, {});
    other.add("xaba");
    other.finish();
    EXPECT_EQ(other.text(), "xaba");
}

TEST(TextStream, DropsWhiteSpaceInFrontAndEmptyStopStrings) {
    TextStream stream({""}, {});
    stream.add(" \n");
    stream.add(" a b");
    stream.finish();
    EXPECT_EQ(stream.text(), "a b");
}

}  // namespace
}  // namespace titans::mind
