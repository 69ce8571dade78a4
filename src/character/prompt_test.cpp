#include "character/prompt.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::character {
namespace {

using testing::HasSubstr;

store::CharacterRecord ada() {
    store::CharacterRecord character;
    character.name = "Ada";
    character.style = {{"How are you?", "Splendid."}};
    return character;
}

TEST(Prompt, BeginsTheSameForEveryQuestion) {
    const std::vector<std::string> passages{"The cat is called Parallax."};
    const mind::Prompt first = make_prompt(ada(), {}, passages, "What is the cat called?");
    const mind::Prompt second = make_prompt(ada(), {}, {}, "Who are you?");
    ASSERT_EQ(first.fixed, second.fixed);
    ASSERT_EQ(first.messages.size(), first.fixed + 1);
    for (std::size_t i = 0; i < first.fixed; ++i)
        EXPECT_EQ(first.messages[i].text, second.messages[i].text);
    EXPECT_THAT(first.messages.front().text, HasSubstr("Ada"));
}

TEST(Prompt, EndsWithThePassagesAndThenTheQuestion) {
    const std::vector<std::string> passages{"The cat is called Parallax."};
    const std::string last =
        make_prompt(ada(), {}, passages, "What is the cat called?").messages.back().text;
    EXPECT_THAT(last, HasSubstr("Parallax"));
    EXPECT_TRUE(last.ends_with("Question: What is the cat called?\nAnswer:"));
}

TEST(Prompt, KeepsTheSystemPromptThatWasGiven) {
    LlmConfig config;
    config.system_prompt = "You are a pirate.";
    EXPECT_EQ(make_prompt(ada(), config, {}, "Who?").messages.front().text, "You are a pirate.");
}

TEST(Prompt, LeavesOutStyleThatWouldFillTheContext) {
    store::CharacterRecord character = ada();
    character.style.assign(1000, {"question", std::string(100, 'x')});
    EXPECT_LT(make_prompt(character, {}, {}, "Who?").messages.size(), 60U);
}

}  // namespace
}  // namespace titans::character
