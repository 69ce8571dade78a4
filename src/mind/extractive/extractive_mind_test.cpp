#include "mind/extractive/extractive_mind.h"

#include <gtest/gtest.h>

namespace titans::mind {
namespace {

std::string answer(const std::string& turn) {
    std::string streamed;
    ExtractiveMind mind;
    const auto completion = mind.generate({.messages = {{Role::User, turn}}}, {},
                                          [&](std::string_view piece) { streamed += piece; }, {});
    if (!completion) return completion.error().message;
    EXPECT_EQ(streamed, completion->text);
    return completion->text;
}

constexpr const char* kPassages =
    "Read this and answer the question.\n\nThe cat of the house is called Parallax. The cat sleeps "
    "on the stove. The "
    "door of the house is blue.\n\nThe house was built in 1804 by a sailor. "
    "\u732b\u306e\u540d\u524d\u306f\u30bf\u30de\u3067\u3059\u3002\n\n";

TEST(ExtractiveMind, QuotesTheSentenceThatSharesTheRarestWords) {
    const std::string passages = kPassages;
    EXPECT_EQ(answer(passages + "What is the cat called?"),
              "\u201CThe cat of the house is called Parallax.\u201D");
    EXPECT_EQ(answer(passages + "Who BUILT the house?"),
              "\u201CThe house was built in 1804 by a sailor.\u201D");
    EXPECT_EQ(answer(passages + "\u732b\u306e\u540d\u524d\u306f\uff1f"),
              "\u201C\u732b\u306e\u540d\u524d\u306f\u30bf\u30de\u3067\u3059\u3002\u201D");
}

TEST(ExtractiveMind, SaysThatItFindsNothing) {
    EXPECT_TRUE(answer(std::string(kPassages) + "Quantum?").starts_with("I find nothing"));
    EXPECT_TRUE(answer("What is the cat called?").starts_with("I find nothing"));
    EXPECT_TRUE(answer("").starts_with("I find nothing"));
}

TEST(ExtractiveMind, StopsAndRefusesLikeAnyMind) {
    ExtractiveMind mind;
    std::stop_source stop;
    stop.request_stop();
    EXPECT_EQ(mind.generate({.messages = {{Role::User, kPassages}}}, {}, {}, stop.get_token())
                  .error()
                  .kind,
              ErrorKind::Cancelled);
    EXPECT_EQ(mind.generate({}, {}, {}, {}).error().kind, ErrorKind::InvalidInput);
}

}  // namespace
}  // namespace titans::mind
