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

PromptParts cat_question() {
    return {.history = {},
            .passages = {"The cat is called Parallax.", "It is grey."},
            .question = "What is the cat called?"};
}

/// A mind whose context holds so many bytes.
class SmallMind final : public mind::LanguageModel {
public:
    explicit SmallMind(std::size_t bytes) : bytes_(bytes) {}
    Result<mind::Completion> generate(const mind::Prompt&, const mind::GenerationOptions&,
                                      const mind::TextSink&, std::stop_token) override {
        return mind::Completion{};
    }
    Result<void> prepare(const mind::Prompt&, std::stop_token) override { return {}; }
    Result<bool> fits(const mind::Prompt& prompt, const mind::GenerationOptions&) override {
        std::size_t bytes = 0;
        for (const mind::Message& message : prompt.messages) bytes += message.text.size();
        return bytes <= bytes_;
    }

private:
    std::size_t bytes_;
};

std::size_t bytes_of(const mind::Prompt& prompt) {
    std::size_t bytes = 0;
    for (const mind::Message& message : prompt.messages) bytes += message.text.size();
    return bytes;
}

TEST(Prompt, BeginsTheSameForEveryQuestion) {
    const mind::Prompt first = make_prompt(ada(), {}, cat_question());
    const mind::Prompt second = make_prompt(ada(), {}, {.question = "Who are you?"});
    ASSERT_EQ(first.fixed, second.fixed);
    ASSERT_EQ(first.messages.size(), first.fixed + 1);
    for (std::size_t i = 0; i < first.fixed; ++i)
        EXPECT_EQ(first.messages[i].text, second.messages[i].text);
    EXPECT_THAT(first.messages.front().text, HasSubstr("Ada"));
}

TEST(Prompt, EndsWithThePassagesAndThenTheQuestion) {
    const std::string last = make_prompt(ada(), {}, cat_question()).messages.back().text;
    EXPECT_THAT(last, HasSubstr("Parallax"));
    EXPECT_TRUE(last.ends_with("Question: What is the cat called?\nAnswer:"));
}

TEST(Prompt, TellsTheHistoryBetweenTheStyleAndTheQuestion) {
    PromptParts parts = cat_question();
    parts.history = {{"Hello", "Hi"}};
    const mind::Prompt prompt = make_prompt(ada(), {}, parts);
    ASSERT_EQ(prompt.messages.size(), prompt.fixed + 3);
    EXPECT_EQ(prompt.messages[prompt.fixed].text, "Hello");
    EXPECT_EQ(prompt.messages[prompt.fixed + 1].role, mind::Role::Assistant);
    EXPECT_EQ(prompt.fixed, make_prompt(ada(), {}, cat_question()).fixed);
}

TEST(Prompt, LeavesOutPassagesBeforeHistoryAndTheQuestionNever) {
    PromptParts parts = cat_question();
    parts.history = {{"One", "1"}, {"Two", "2"}};
    const std::size_t whole = bytes_of(make_prompt(ada(), {}, parts));
    SmallMind all(whole);
    SmallMind less(whole - 1);
    SmallMind least(0);

    PromptParts used = parts;
    ASSERT_TRUE(fit_prompt(all, ada(), {}, used));
    EXPECT_EQ(used.passages.size(), 2U);

    used = parts;
    ASSERT_TRUE(fit_prompt(less, ada(), {}, used));
    EXPECT_THAT(used.passages, testing::ElementsAre("The cat is called Parallax."));
    EXPECT_EQ(used.history.size(), 2U);

    used = parts;
    PromptParts newest{.history = {{"Two", "2"}}, .passages = {}, .question = parts.question};
    SmallMind some(bytes_of(make_prompt(ada(), {}, newest)));
    ASSERT_TRUE(fit_prompt(some, ada(), {}, used));
    EXPECT_TRUE(used.passages.empty());
    ASSERT_EQ(used.history.size(), 1U);
    EXPECT_EQ(used.history[0].question, "Two");

    used = parts;
    const Result<mind::Prompt> prompt = fit_prompt(least, ada(), {}, used);
    ASSERT_TRUE(prompt);
    EXPECT_EQ(prompt->messages.back().text, parts.question);
    EXPECT_EQ(prompt->messages.front().role, mind::Role::System);
}

TEST(Prompt, KeepsTheSystemPromptThatWasGiven) {
    LlmConfig config;
    config.system_prompt = "You are a pirate.";
    EXPECT_EQ(make_prompt(ada(), config, {.question = "Who?"}).messages.front().text,
              "You are a pirate.");
}

TEST(Prompt, LeavesOutStyleThatWouldFillTheContext) {
    store::CharacterRecord character = ada();
    character.style.assign(1000, {"question", std::string(100, 'x')});
    EXPECT_LT(make_prompt(character, {}, {.question = "Who?"}).messages.size(), 60U);
}

}  // namespace
}  // namespace titans::character
