#include "text/sentence_stream.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/utf8.h"

namespace titans::text {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> split(std::string_view text, std::size_t piece,
                               SentenceStream::Options options = {}) {
    SentenceStream stream(options);
    std::vector<std::string> sentences;
    for (std::size_t at = 0; at < text.size(); at += piece) {
        for (std::string& sentence : stream.push(text.substr(at, piece)))
            sentences.push_back(std::move(sentence));
    }
    for (std::string& sentence : stream.flush()) sentences.push_back(std::move(sentence));
    return sentences;
}

TEST(SentenceStream, GivesASentenceOutWithTheSpaceBehindIt) {
    SentenceStream stream;
    EXPECT_THAT(stream.push("Hello"), IsEmpty());
    EXPECT_THAT(stream.push(" there."), IsEmpty());
    EXPECT_THAT(stream.push(" "), ElementsAre("Hello there."));
    EXPECT_THAT(stream.push("How are you?\nFi"), ElementsAre("How are you?"));
    EXPECT_THAT(stream.push("ne"), IsEmpty());
    EXPECT_THAT(stream.flush(), ElementsAre("Fine"));
    EXPECT_THAT(stream.flush(), IsEmpty());
}

TEST(SentenceStream, GoesOnBehindAbbreviationsNumbersAndListMarks) {
    EXPECT_THAT(split("Dr. Smith paid 3.5 pounds, e.g. on Tuesday. Yes.", 1),
                ElementsAre("Dr. Smith paid 3.5 pounds, e.g. on Tuesday.", "Yes."));
    EXPECT_THAT(split("1. First. 2. Second.", 1), ElementsAre("1. First.", "2. Second."));
    EXPECT_THAT(split("See No. 7 there. No. Never.", 1),
                ElementsAre("See No. 7 there.", "No.", "Never."));
    EXPECT_THAT(split("Bread, milk etc. are gone. Bread, milk etc. We go.", 1),
                ElementsAre("Bread, milk etc. are gone.", "Bread, milk etc.", "We go."));
    EXPECT_THAT(split("Visit www.example.com/a.b now. Bye.", 1),
                ElementsAre("Visit www.example.com/a.b now.", "Bye."));
}

TEST(SentenceStream, KeepsQuotesBracketsAndMarksWithTheirSentence) {
    EXPECT_THAT(
        split("\"Stop!\" he said. (Really?) **No.** Well...  so be it?!", 1),
        ElementsAre("\"Stop!\"", "he said.", "(Really?)", "**No.**", "Well...", "so be it?!"));
}

TEST(SentenceStream, CutsEveryScript) {
    EXPECT_THAT(split("你好。你在哪里？「这里！」好", 1),
                ElementsAre("你好。", "你在哪里？", "「这里！」", "好"));
    EXPECT_THAT(split("كيف حالك؟ أنا بخير.", 1), ElementsAre("كيف حالك؟", "أنا بخير."));
    EXPECT_THAT(split("नमस्ते। आप कैसे हैं?", 1), ElementsAre("नमस्ते।", "आप कैसे हैं?"));
}

TEST(SentenceStream, EndsTheFirstSentenceEarlyAtAClause) {
    const std::string text =
        "The old lighthouse of Arnholt stood on the rocks, and nobody had seen it lit, not once. "
        "Then, at last, it shone.";
    EXPECT_THAT(split(text, 1),
                ElementsAre("The old lighthouse of Arnholt stood on the rocks,",
                            "and nobody had seen it lit, not once.", "Then, at last, it shone."));
    EXPECT_THAT(split("Then, at last, it shone.", 1), ElementsAre("Then, at last, it shone."));
}

TEST(SentenceStream, CutsWhatIsTooLongAtACommaOrElseAtASpace) {
    std::string commas;
    for (int i = 0; i < 60; ++i) commas += "one more of them, ";
    for (const std::string& sentence : split(commas, 3)) {
        EXPECT_TRUE(sentence.ends_with(',')) << sentence;
        EXPECT_LE(sentence.size(), 220U);
    }
    std::string spaces;
    for (int i = 0; i < 300; ++i) spaces += "word ";
    const auto cut = split(spaces, 7);
    EXPECT_GT(cut.size(), 3U);
    for (const std::string& sentence : cut) {
        EXPECT_LE(sentence.size(), 320U);
        EXPECT_TRUE(sentence.ends_with("word")) << sentence;
    }
    std::string thai;
    for (int i = 0; i < 200; ++i) thai += "สวัสดี";
    const auto pieces = split(thai, 5);
    std::string joined;
    for (const std::string& piece : pieces) {
        EXPECT_TRUE(is_utf8(piece));
        joined += piece;
    }
    EXPECT_GT(pieces.size(), 2U);
    EXPECT_EQ(joined, thai);
}

TEST(SentenceStream, KeepsABlockOfCodeWhole) {
    const std::string text = "Like this:\n```cpp\nint a = 1. + 2. ;\nreturn a;\n```\nDone. Really.";
    EXPECT_THAT(
        split(text, 1),
        ElementsAre("Like this:", "```cpp\nint a = 1. + 2. ;\nreturn a;\n```", "Done.", "Really."));
    EXPECT_THAT(split("```\nnever. closed\n", 1), ElementsAre("```\nnever. closed"));
}

TEST(SentenceStream, SplitsAlikeHoweverTheTextArrives) {
    const std::string text =
        "Well, Dr. Who... said: \"No. 5 is alive!\" 你好，世界。再见。 1. One, 2. two; and\n\n- "
        "three? नमस्ते। "
        "```\ncode. here\n```\nAnd a rather long closing sentence, which goes on, and on, and on, "
        "p.m. or a.m. Then ends… "
        "Emoji 👋🏽! caf\xE9 \xF0\x9F. The U.S. has it; so does the U.K. government, etc.";
    const auto whole = split(text, text.size());
    EXPECT_GT(whole.size(), 9U);
    for (std::size_t piece = 1; piece < 40; ++piece) EXPECT_EQ(split(text, piece), whole) << piece;
}

}  // namespace
}  // namespace titans::text
