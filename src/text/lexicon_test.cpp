#include "text/lexicon.h"

#include <gmock/gmock.h>

namespace titans::text {
namespace {

Lexicon lexicon(std::initializer_list<std::pair<std::string_view, std::uint32_t>> words) {
    Lexicon made;
    for (const auto& [word, value] : words) made.add(word, value);
    made.sort();
    return made;
}

std::vector<std::pair<std::size_t, std::uint32_t>> prefixes(const Lexicon& words,
                                                            std::string_view text) {
    std::vector<Lexicon::Match> matches{{.bytes = 99, .value = 99}};
    words.find_prefixes(text, matches);
    std::vector<std::pair<std::size_t, std::uint32_t>> found;
    for (const auto& [bytes, value] : matches) found.emplace_back(bytes, value);
    return found;
}

TEST(Lexicon, FindsEveryWordThatATextBeginsWith) {
    const Lexicon words = lexicon({{"sunday", 3}, {"sun", 2}, {"s", 1}, {"sundae", 4}, {"un", 5}});
    EXPECT_THAT(prefixes(words, "sundays"),
                testing::ElementsAre(std::pair(1, 1), std::pair(3, 2), std::pair(6, 3)));
    EXPECT_THAT(prefixes(words, "sund"), testing::ElementsAre(std::pair(1, 1), std::pair(3, 2)));
    EXPECT_THAT(prefixes(words, "moon"), testing::IsEmpty());
    EXPECT_THAT(prefixes(words, ""), testing::IsEmpty());
}

TEST(Lexicon, ComparesBytesAboveAsciiAsUnsigned) {
    const Lexicon words = lexicon({{"银行", 1}, {"é", 2}, {"z", 3}, {"银", 4}});
    EXPECT_THAT(prefixes(words, "银行家"), testing::ElementsAre(std::pair(3, 4), std::pair(6, 1)));
    EXPECT_THAT(prefixes(words, "été"), testing::ElementsAre(std::pair(2, 2)));
}

TEST(Lexicon, KeepsTheLaterValueOfAWordAndForgetsOneWithoutValue) {
    const Lexicon words =
        lexicon({{"one", 1}, {"two", 2}, {"one", 5}, {"two", Lexicon::kNoWord}, {"", 9}});
    EXPECT_EQ(words.find("one"), 5);
    EXPECT_EQ(words.find("two"), std::nullopt);
    EXPECT_EQ(words.find("on"), std::nullopt);
    EXPECT_EQ(words.size(), 1);
    EXPECT_EQ(words.sum(), 5);
}

}  // namespace
}  // namespace titans::text
