#include "knowledge/passages.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "text/utf8.h"
#include "text/words.h"

namespace titans::knowledge {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;

std::vector<std::string> texts(const std::vector<std::string>& blocks) {
    std::vector<std::string> texts;
    for (const store::NewPassage& passage : cut_passages({blocks})) texts.push_back(passage.text);
    return texts;
}

/// "Sentence A1 has nine words that fill it well." and so on.
std::string sentences(char name, int count) {
    std::string text;
    for (int i = 1; i <= count; ++i) {
        text += std::format("{}Sentence {}{} has nine words that fill it well.", i == 1 ? "" : " ",
                            name, i);
    }
    return text;
}

std::size_t words_of(const std::string& text) { return text::WordCutter().count(text); }

TEST(Passages, OfAShortDocumentIsOneWithItsWords) {
    const auto passages = cut_passages({{"Ada's dog.", "It barks."}});
    ASSERT_EQ(passages.size(), 1U);
    EXPECT_EQ(passages[0].text, "Ada's dog.\n\nIt barks.");
    EXPECT_THAT(passages[0].words, ElementsAre("ada", "s", "dog", "it", "barks", "bark"));
    EXPECT_TRUE(cut_passages({}).empty());
    EXPECT_TRUE(cut_passages({{"---", "…"}}).empty());
}

TEST(Passages, HaveAbout150WordsAndOverlapByWholeSentences) {
    const auto cut = texts({sentences('A', 50)});
    // Sixteen sentences of nine words fit, and four of them come again.
    ASSERT_EQ(cut.size(), 4U);
    EXPECT_TRUE(cut[0].starts_with("Sentence A1 "));
    EXPECT_TRUE(cut[0].ends_with("A16 has nine words that fill it well."));
    EXPECT_TRUE(cut[1].starts_with("Sentence A13 "));
    EXPECT_TRUE(cut[1].ends_with("A28 has nine words that fill it well."));
    EXPECT_TRUE(cut[2].starts_with("Sentence A25 "));
    EXPECT_TRUE(cut[3].ends_with("A50 has nine words that fill it well."));
    for (const std::string& passage : cut) EXPECT_LE(words_of(passage), 150U);
}

TEST(Passages, AreCutBetweenBlocksIfTheyCanBe) {
    EXPECT_THAT(texts({sentences('A', 8), sentences('B', 10), sentences('C', 2)}),
                ElementsAre(sentences('A', 8), sentences('B', 10) + "\n\n" + sentences('C', 2)));
    // A short heading stays with what it heads, even if that is cut.
    const auto cut = texts({"Heading", sentences('A', 20)});
    ASSERT_EQ(cut.size(), 2U);
    EXPECT_TRUE(cut[0].starts_with("Heading\n\nSentence A1"));
}

TEST(Passages, KeepLinesAndJoinWrappedOnes) {
    const std::string poem = "name: Ada\nage: 36\nhome: London";
    EXPECT_THAT(texts({poem}), ElementsAre(poem));
    std::string wrapped;
    for (int i = 0; i < 40; ++i)
        wrapped +=
            "These lines of text were wrapped by an editor and none of them\nis a sentence. ";
    for (const std::string& passage : texts({wrapped}))
        EXPECT_TRUE(passage.ends_with("is a sentence.")) << passage;
}

TEST(Passages, StayWithinWordsAndCharactersInEveryScript) {
    std::string chinese;
    std::string thai;
    std::string hindi;
    std::string unbroken(5000, 'x');
    std::string endless;
    for (int i = 0; i < 300; ++i) {
        chinese += "图书馆在城市的中心，里面有很多书。";
        thai += "สวัสดีชาวโลก";
        hindi += "पुस्तकालय शहर के बीच में है। ";
        endless += "and so it went on ";
    }
    for (const std::string& text :
         {chinese, thai, hindi, unbroken, endless, chinese + "\n" + unbroken}) {
        const auto passages = cut_passages({{text}});
        EXPECT_GT(passages.size(), 3U);
        for (const store::NewPassage& passage : passages) {
            EXPECT_TRUE(text::is_utf8(passage.text));
            EXPECT_LE(text::count_code_points(passage.text), 1210U);
            EXPECT_LE(words_of(passage.text), 150U);
            EXPECT_FALSE(passage.words.empty());
        }
    }
    EXPECT_THAT(cut_passages({{chinese}})[0].words, Contains("书馆"));
}

TEST(Passages, LoseNothing) {
    std::vector<std::string> blocks;
    for (char name = 'A'; name <= 'Z'; ++name)
        blocks.push_back(sentences(name, 1 + (name * 7) % 23));
    std::string all;
    for (const std::string& text : texts(blocks)) all += text + "\n";
    for (char name = 'A'; name <= 'Z'; ++name) {
        for (int i = 1; i <= 1 + (name * 7) % 23; ++i) {
            EXPECT_NE(all.find(std::format("Sentence {}{} has", name, i)), std::string::npos)
                << name << i;
        }
    }
}

}  // namespace
}  // namespace titans::knowledge
