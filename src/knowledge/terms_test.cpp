#include "knowledge/terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::knowledge {
namespace {

using ::testing::ElementsAre;

TEST(Terms, AreWordsAndTheStartsOfLongOnes) {
    text::WordCutter words;
    EXPECT_THAT(search_terms(words, "On Thursdays we cook."),
                ElementsAre("on", "thursdays", "thur", "we", "cook"));
    EXPECT_THAT(search_terms(words, "маяке 1871.5 12345 größe"),
                ElementsAre("маяке", "маяк", "1871.5", "12345", "grösse", "grös"));
    EXPECT_THAT(search_terms(words, "图书馆"), ElementsAre("图", "图书", "书", "书馆", "馆"));
    EXPECT_THAT(search_terms(words, ""), ElementsAre());
}

}  // namespace
}  // namespace titans::knowledge
