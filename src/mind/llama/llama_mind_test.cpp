#include "mind/llama/llama_mind.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <span>

#include "engine/llama/llama_context.h"
#include "mind/llama/tiny_model.h"

namespace titans::mind {
namespace {

class LlamaMindTest : public testing::Test {
protected:
    LlamaMindTest()
        : file_(std::filesystem::temp_directory_path() /
                std::format("titans-mind-{}.gguf", getpid())) {}
    ~LlamaMindTest() override { std::filesystem::remove(file_); }

    /// With room for all that a test keeps, unless it asks for less.
    std::unique_ptr<LlamaMind> load(const TinyModel& model,
                                    const LlamaMindOptions& options = {.threads = 1}) {
        EXPECT_TRUE(write_tiny_model(model, file_));
        auto mind = LlamaMind::load(file_, options);
        EXPECT_TRUE(mind.has_value()) << mind.error().message << ": " << mind.error().detail;
        return mind ? *std::move(mind) : nullptr;
    }

    std::filesystem::path file_;
};

/// A persona of about 100 tokens, told apart by its first letter, and a question.
Prompt ask(char persona, const std::string& question) {
    return {
        .messages = {{Role::System, std::string(1, persona) +
                                        " persona that is told before every question is asked."},
                     {Role::User, "How?"},
                     {Role::Assistant, "So."},
                     {Role::User, question}},
        .fixed = 3};
}

constexpr int kFixedTokens = 60;  // less than the fixed part of ask() has

GenerationOptions greedy(int max_tokens = 24) {
    return {.max_tokens = max_tokens, .temperature = 0};
}

Completion answer(LlamaMind& mind, const Prompt& prompt,
                  const GenerationOptions& options = greedy()) {
    auto completion = mind.generate(prompt, options, {}, {});
    EXPECT_TRUE(completion.has_value())
        << completion.error().message << ": " << completion.error().detail;
    return completion ? *std::move(completion) : Completion{};
}

/// With a model whose memory can be cut and with one whose cannot.
class LlamaMindMemoryTest : public LlamaMindTest, public testing::WithParamInterface<bool> {};

INSTANTIATE_TEST_SUITE_P(Models, LlamaMindMemoryTest, testing::Values(false, true),
                         [](const auto& info) { return info.param ? "Recurrent" : "Attention"; });

TEST_P(LlamaMindMemoryTest, AnswersAlikeFromTheCacheAndWithoutIt) {
    const TinyModel model{.recurrent = GetParam()};
    std::vector<std::string> fresh;
    const std::vector<std::string> questions{"One?", "Two is another?", "One?",
                                             "A third, a longer one than before?"};
    for (const std::string& question : questions)
        fresh.push_back(answer(*load(model), ask('A', question)).text);
    EXPECT_NE(fresh[0], fresh[1]);  // the question matters

    const auto mind = load(model);
    for (std::size_t i = 0; i < questions.size(); ++i) {
        const Completion completion = answer(*mind, ask('A', questions[i]));
        EXPECT_EQ(completion.text, fresh[i]);
        if (i == 0) {
            EXPECT_EQ(completion.cached_tokens, 0);
        } else {
            EXPECT_GT(completion.cached_tokens, kFixedTokens);
        }
        EXPECT_LT(completion.cached_tokens, completion.prompt_tokens);
    }
}

TEST_P(LlamaMindMemoryTest, KeepsTheFixedPartsOfPersonasThatTakeTurns) {
    const TinyModel model{.recurrent = GetParam()};
    const std::vector<char> personas{'A', 'B', 'C', 'D'};
    std::vector<std::string> fresh;
    for (const char persona : personas)
        fresh.push_back(answer(*load(model), ask(persona, "Who?")).text);

    const auto mind = load(model);
    for (const char persona : personas) ASSERT_TRUE(mind->prepare(ask(persona, ""), {}));
    for (int round = 0; round < 2; ++round) {
        for (std::size_t i = 0; i < personas.size(); ++i) {
            const Completion completion = answer(*mind, ask(personas[i], "Who?"));
            EXPECT_EQ(completion.text, fresh[i]);
            EXPECT_GT(completion.cached_tokens, kFixedTokens);
        }
    }
}

TEST_P(LlamaMindMemoryTest, GoesOnWithAConversation) {
    const auto mind = load({.recurrent = GetParam()});
    Prompt prompt = ask('A', "One?");
    // An answer of ASCII alone comes back as the tokens that it was made of.
    prompt.messages.push_back({Role::Assistant, "Yes."});
    prompt.messages.push_back({Role::User, "Two?"});
    const Completion first = answer(*mind, prompt);
    const Completion again = answer(*mind, prompt);
    EXPECT_EQ(again.text, first.text);
    if (!GetParam()) {
        EXPECT_EQ(again.cached_tokens, again.prompt_tokens - 1);
    }
    prompt.messages[4].text = "No.";
    EXPECT_GT(answer(*mind, prompt).cached_tokens, kFixedTokens);
}

TEST_P(LlamaMindMemoryTest, KeepsTheFixedPartsThatWereUsedLast) {
    const TinyModel model{.recurrent = GetParam()};
    std::vector<std::string> fresh;
    for (char persona = 'A'; persona < 'E'; ++persona)
        fresh.push_back(answer(*load(model), ask(persona, "Who?")).text);
    // A token of the small Llama takes 512 bytes, the state of the small Mamba about 22,000.
    const auto mind = load(model, {.threads = 1, .kept_bytes = GetParam() ? 50'000U : 150'000U});
    const auto ask_again = [&](char persona) {
        const Completion completion = answer(*mind, ask(persona, "Who?"));
        EXPECT_EQ(completion.text, fresh[static_cast<std::size_t>(persona - 'A')]);
        return completion.cached_tokens > kFixedTokens;
    };
    for (const char persona : {'A', 'B', 'A', 'C'}) ask_again(persona);
    EXPECT_TRUE(ask_again('A'));  // room for two: B made way
    EXPECT_FALSE(ask_again('B'));
    EXPECT_FALSE(ask_again('D'));
    EXPECT_TRUE(ask_again('B'));
    const auto none = load(model, {.threads = 1, .kept_bytes = 0});
    for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(answer(*none, ask('A', "Who?")).text, fresh[0]);
        EXPECT_EQ(answer(*none, ask('B', "Who?")).text, fresh[1]);
    }
}

TEST_F(LlamaMindTest, ReadsALongPromptInPiecesToTheSameEnd) {
    const std::string question(300, 'q');
    const std::string whole = answer(*load({}), ask('A', question)).text;
    EXPECT_EQ(answer(*load({}, {.batch_size = 7, .threads = 1}), ask('A', question)).text, whole);
}

TEST_F(LlamaMindTest, StreamsWhatItReturns) {
    const auto mind = load({});
    std::string streamed;
    const auto completion = mind->generate(ask('A', "Who?"), greedy(),
                                           [&](std::string_view piece) { streamed += piece; }, {});
    ASSERT_TRUE(completion);
    EXPECT_EQ(streamed, completion->text);
    EXPECT_FALSE(streamed.empty());
}

TEST_F(LlamaMindTest, CountsTokensAndEndsAtMaxTokens) {
    const auto mind = load({});
    const Completion completion = answer(*mind, ask('A', "Who?"), greedy(5));
    EXPECT_EQ(completion.completion_tokens, 5);
    EXPECT_TRUE(completion.truncated);
    EXPECT_GT(completion.first_token.count(), 0);
}

TEST_F(LlamaMindTest, EndsWhereTheModelEnds) {
    const auto letters = load({});
    const Completion whole = answer(*letters, ask('A', "Who?"));
    // Make the token of some letter of this answer the one that ends an answer.
    const std::size_t at = whole.text.find_first_of(
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", 1);
    ASSERT_NE(at, std::string::npos) << whole.text;
    const char end = whole.text[at];
    const auto mind = load({.end_token = byte_token(static_cast<unsigned char>(end))});
    const Completion completion = answer(*mind, ask('A', "Who?"));
    // But for bytes at the end that something might have completed.
    std::string expected = whole.text.substr(0, whole.text.find(end));
    while (expected.ends_with("\xEF\xBF\xBD")) expected.resize(expected.size() - 3);
    std::string text = completion.text;
    while (text.ends_with("\xEF\xBF\xBD")) text.resize(text.size() - 3);
    EXPECT_EQ(text, expected);
    EXPECT_FALSE(completion.truncated);
}

TEST_F(LlamaMindTest, EndsBeforeAStopString) {
    const auto mind = load({});
    const Completion whole = answer(*mind, ask('A', "Who?"));
    ASSERT_GT(whole.text.size(), 12U);
    std::size_t at = whole.text.size() / 2;
    while ((static_cast<unsigned char>(whole.text[at]) & 0xC0) == 0x80)
        ++at;  // the middle, where a character begins
    const std::string stop = whole.text.substr(at);
    GenerationOptions options = greedy();
    options.stop_strings = {stop};
    const Completion completion = answer(*mind, ask('A', "Who?"), options);
    EXPECT_EQ(completion.text, whole.text.substr(0, whole.text.find(stop)));
    EXPECT_FALSE(completion.truncated);
}

TEST_F(LlamaMindTest, AnswersInUtf8WhateverTheModelWrites) {
    const auto mind = load({.seed = 7});
    GenerationOptions options{
        .max_tokens = 200, .temperature = 2, .top_p = 1, .top_k = 0, .min_p = 0, .seed = 3};
    bool replaced = false;
    const auto completion = mind->generate(
        ask('A', "Who?"), options,
        [&](std::string_view piece) { replaced = replaced || piece.contains("\xEF\xBF\xBD"); }, {});
    ASSERT_TRUE(completion);
    EXPECT_TRUE(replaced);  // random bytes are hardly ever UTF-8
}

TEST_F(LlamaMindTest, PicksTheSameWithTheSameSeed) {
    const auto mind = load({});
    const GenerationOptions options{
        .max_tokens = 24, .temperature = 1.5F, .repeat_penalty = 1.1F, .seed = 5};
    GenerationOptions other = options;
    other.seed = 6;
    const std::string text = answer(*mind, ask('A', "Who?"), options).text;
    EXPECT_EQ(answer(*mind, ask('A', "Who?"), options).text, text);
    EXPECT_NE(answer(*mind, ask('A', "Who?"), other).text, text);
}

TEST_F(LlamaMindTest, StopsWithinOneTokenAndAnswersRightAfterwards) {
    const auto mind = load({});
    const std::string whole = answer(*mind, ask('A', "Who?")).text;
    std::stop_source stop;
    int pieces = 0;
    const auto stopped = mind->generate(
        ask('A', "Who?"), greedy(),
        [&](std::string_view) {
            if (++pieces == 3) stop.request_stop();
        },
        stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
    EXPECT_EQ(pieces, 3);
    EXPECT_EQ(answer(*mind, ask('A', "Who?")).text, whole);
}

TEST_F(LlamaMindTest, StopsBeforeItHasReadThePrompt) {
    const auto mind = load({});
    std::stop_source stop;
    stop.request_stop();
    bool wrote = false;
    const auto stopped = mind->generate(
        ask('A', "Who?"), greedy(), [&](std::string_view) { wrote = true; }, stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
    EXPECT_FALSE(wrote);
    EXPECT_FALSE(mind->prepare(ask('B', ""), stop.get_token()));
}

TEST_F(LlamaMindTest, StopsWithinAComputation) {
    ASSERT_TRUE(write_tiny_model({}, file_));
    const auto model = engine::LlamaModel::load(file_, {});
    ASSERT_TRUE(model);
    const auto context =
        engine::LlamaContext::open(*model, {.context_length = 256, .batch_size = 64});
    ASSERT_TRUE(context);
    const std::vector<engine::Token> tokens(50, byte_token('x'));
    std::stop_source stop;
    stop.request_stop();
    using engine::LlamaContext;
    using enum LlamaContext::Outcome;
    const LlamaContext::Reading stopped{0, tokens, stop.get_token()};
    EXPECT_EQ((*context)->decode(std::span(&stopped, 1)), Stopped);
    EXPECT_EQ((*context)->length(0), 0);
    const LlamaContext::Reading going{0, tokens, {}};
    EXPECT_EQ((*context)->decode(std::span(&going, 1)), Done);
    EXPECT_EQ((*context)->length(0), 50);
}

TEST_F(LlamaMindTest, RefusesAQuestionThatDoesNotFit) {
    const auto mind = load({});
    const auto refused = mind->generate(ask('A', std::string(600, 'q')), greedy(), {}, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::InvalidInput);
    EXPECT_TRUE(refused.error().message.starts_with("question:")) << refused.error().message;
    const auto persona = mind->prepare(ask('A', ""), {});
    EXPECT_TRUE(persona);
    EXPECT_FALSE(
        mind->prepare({.messages = {{Role::System, std::string(600, 'p')}}, .fixed = 1}, {}));
}

TEST_P(LlamaMindMemoryTest, EndsWhereTheContextIsFull) {
    const auto mind = load({.recurrent = GetParam(), .context_length = 256});
    const Completion completion = answer(*mind, ask('A', std::string(100, 'q')), greedy(1000));
    EXPECT_TRUE(completion.truncated);
    EXPECT_EQ(completion.prompt_tokens + completion.completion_tokens, mind->context_length() + 1);
}

/// What becomes of an assignment.
struct Written {
    std::string streamed;
    int pieces = 0;
    std::optional<Result<Completion>> end;
    std::stop_source stop;

    Assignment assignment(const Prompt& prompt, const GenerationOptions& options) {
        return {.prompt = prompt,
                .options = options,
                .on_text =
                    [this](std::string_view piece) {
                        streamed += piece;
                        ++pieces;
                    },
                .stop = stop.get_token(),
                .on_end = [this](Result<Completion> result) { end = std::move(result); }};
    }
};

void work_off(LlamaMind& mind) {
    for (int step = 0; step < 5000 && !mind.is_idle(); ++step) mind.step();
    EXPECT_TRUE(mind.is_idle());
}

const std::vector<std::string> kQuestions{"One?", "Two is another?", "Who?",
                                          "A third, a longer one than before?", "And you?"};

TEST_P(LlamaMindMemoryTest, WritesSeveralAnswersAsItWritesEachAlone) {
    const TinyModel model{.recurrent = GetParam()};
    std::vector<Completion> alone;
    for (std::size_t i = 0; i < kQuestions.size(); ++i) {
        const char persona = i % 2 == 0 ? 'A' : 'B';
        alone.push_back(answer(*load(model), ask(persona, kQuestions[i])));
    }
    const auto mind = load(model);
    std::vector<Written> written(kQuestions.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
        const char persona = i % 2 == 0 ? 'A' : 'B';
        mind->begin(written[i].assignment(ask(persona, kQuestions[i]), greedy()));
    }
    work_off(*mind);
    for (std::size_t i = 0; i < written.size(); ++i) {
        ASSERT_TRUE(written[i].end && *written[i].end) << i;
        const Completion& completion = **written[i].end;
        EXPECT_EQ(completion.text, alone[i].text);
        EXPECT_EQ(written[i].streamed, completion.text);
        EXPECT_EQ(completion.prompt_tokens, alone[i].prompt_tokens);
        EXPECT_EQ(completion.completion_tokens, alone[i].completion_tokens);
        // The first of each persona reads it, and the others have that from it.
        if (i >= 2) {
            EXPECT_GT(completion.cached_tokens, kFixedTokens) << i;
        }
    }
}

TEST_P(LlamaMindMemoryTest, WritesTwoAnswersInTurns) {
    const auto mind = load({.recurrent = GetParam()});
    Written first;
    Written second;
    mind->begin(first.assignment(ask('A', "One?"), greedy(100)));
    while (first.pieces < 3) mind->step();
    mind->begin(second.assignment(ask('A', "Two?"), greedy(10)));
    while (!second.end) mind->step();
    EXPECT_FALSE(first.end);  // who came later and wants less is not made to wait
    const int pieces = first.pieces;
    EXPECT_GT(pieces, 5);  // nor is who came first
    work_off(*mind);
    EXPECT_GT(first.pieces, pieces);
}

TEST_P(LlamaMindMemoryTest, LeavesTheOthersAloneWhenOneIsCancelled) {
    const TinyModel model{.recurrent = GetParam()};
    const std::string expected = answer(*load(model), ask('A', "One?")).text;
    const auto mind = load(model);
    Written kept;
    Written cancelled;
    Written waiting;
    mind->begin(cancelled.assignment(ask('B', "Two?"), greedy(200)));
    mind->begin(kept.assignment(ask('A', "One?"), greedy()));
    while (cancelled.pieces < 2 || kept.pieces < 2) mind->step();
    mind->begin(waiting.assignment(ask('C', "Three?"), greedy()));
    waiting.stop.request_stop();
    cancelled.stop.request_stop();
    const int pieces = cancelled.pieces;
    mind->step();
    for (const Written* stopped : {&cancelled, &waiting}) {
        ASSERT_TRUE(stopped->end);
        ASSERT_FALSE(*stopped->end);
        EXPECT_EQ(stopped->end->error().kind, ErrorKind::Cancelled);
    }
    EXPECT_EQ(cancelled.pieces, pieces);
    EXPECT_FALSE(kept.end);
    work_off(*mind);
    ASSERT_TRUE(kept.end && *kept.end);
    EXPECT_EQ((*kept.end)->text, expected);
}

TEST_F(LlamaMindTest, LetsTheRestWaitWhereThereAreMoreQuestionsThanAnswersAtOnce) {
    std::vector<std::string> alone;
    for (const std::string& question : kQuestions)
        alone.push_back(answer(*load({}), ask('A', question)).text);
    const auto mind = load({}, {.answers = 2, .threads = 1});
    std::vector<Written> written(kQuestions.size());
    std::vector<std::size_t> ended;
    for (std::size_t i = 0; i < written.size(); ++i) {
        Assignment assignment = written[i].assignment(ask('A', kQuestions[i]), greedy());
        assignment.on_end = [&, i, end = assignment.on_end](Result<Completion> result) {
            ended.push_back(i);
            end(std::move(result));
        };
        mind->begin(std::move(assignment));
    }
    work_off(*mind);
    for (std::size_t i = 0; i < written.size(); ++i) {
        ASSERT_TRUE(written[i].end && *written[i].end) << i;
        EXPECT_EQ((*written[i].end)->text, alone[i]);
    }
    ASSERT_EQ(ended.size(), kQuestions.size());
    EXPECT_LT(ended[0], 2U);
    EXPECT_EQ(std::ranges::max(std::span(ended).first(2)), 1U);  // the first two are the first
}

TEST_F(LlamaMindTest, WritesOnWhereTheContextIsTooSmallForAllAtOnce) {
    // Room for 512 tokens: one answer of the full length, and as much again for others.
    const TinyModel model{.context_length = 256};
    std::vector<std::string> questions;
    for (char letter = 'p'; letter < 'v'; ++letter) questions.emplace_back(90, letter);
    std::vector<std::string> alone;
    for (std::size_t i = 0; i < questions.size(); ++i) {
        const char persona = static_cast<char>('A' + i);  // nothing to share
        alone.push_back(answer(*load(model), ask(persona, questions[i]), greedy(60)).text);
    }
    const auto mind = load(model);
    std::vector<Written> written(questions.size());
    for (std::size_t i = 0; i < written.size(); ++i) {
        const char persona = static_cast<char>('A' + i);
        mind->begin(written[i].assignment(ask(persona, questions[i]), greedy(60)));
    }
    work_off(*mind);
    for (std::size_t i = 0; i < written.size(); ++i) {
        ASSERT_TRUE(written[i].end && *written[i].end) << i;
        EXPECT_EQ((*written[i].end)->text, alone[i]) << i;
        EXPECT_EQ(written[i].streamed, alone[i]) << i;
    }
}

TEST_F(LlamaMindTest, PreparesBesideAnAnswer) {
    const auto mind = load({});
    Written spoken;
    Written prepared;
    mind->begin(spoken.assignment(ask('A', "One?"), greedy(40)));
    Assignment preparation = prepared.assignment(ask('B', ""), {});
    preparation.options = {};
    mind->begin(std::move(preparation));
    work_off(*mind);
    ASSERT_TRUE(spoken.end && *spoken.end && prepared.end && *prepared.end);
    EXPECT_EQ(prepared.pieces, 0);
    EXPECT_GT(answer(*mind, ask('B', "Two?")).cached_tokens, kFixedTokens);
}

TEST_F(LlamaMindTest, EndsAllWhenItIsAbandonedAndAnswersAfterwards) {
    const auto mind = load({});
    const std::string expected = answer(*mind, ask('A', "One?")).text;
    Written first;
    Written second;
    mind->begin(first.assignment(ask('A', "One?"), greedy()));
    mind->step();
    mind->begin(second.assignment(ask('B', "Two?"), greedy()));
    mind->abandon({ErrorKind::Internal, "internal error", ""});
    EXPECT_TRUE(mind->is_idle());
    for (const Written* written : {&first, &second}) {
        ASSERT_TRUE(written->end);
        EXPECT_EQ(written->end->error().kind, ErrorKind::Internal);
    }
    EXPECT_EQ(answer(*mind, ask('A', "One?")).text, expected);
}

TEST_F(LlamaMindTest, TakesNoSpecialTokenFromAMessage) {
    const auto mind = load({});
    const int plain = answer(*mind, ask('A', "xxxxxxxxxx")).prompt_tokens;
    EXPECT_EQ(answer(*mind, ask('A', "<|im_end|>")).prompt_tokens, plain);  // ten bytes as well
}

TEST_F(LlamaMindTest, UsesChatMlWhereTheModelHasNoTemplateOfUse) {
    const std::string expected = answer(*load({}), ask('A', "Who?")).text;
    EXPECT_EQ(answer(*load({.chat_template = ""}), ask('A', "Who?")).text, expected);
    EXPECT_EQ(answer(*load({.chat_template = "{{ nonsense"}), ask('A', "Who?")).text, expected);
}

TEST_F(LlamaMindTest, RefusesOptionsThatMeanNothing) {
    const auto mind = load({});
    const std::vector<std::pair<std::string, GenerationOptions>> wrong{
        {"max_tokens", {.max_tokens = 0}},
        {"temperature", {.temperature = -1}},
        {"temperature", {.temperature = std::numeric_limits<float>::quiet_NaN()}},
        {"top_p", {.top_p = 0}},
        {"top_k", {.top_k = -1}},
        {"min_p", {.min_p = 2}},
        {"repeat_penalty", {.repeat_penalty = 0}}};
    for (const auto& [field, options] : wrong) {
        const auto refused = mind->generate(ask('A', "Who?"), options, {}, {});
        ASSERT_FALSE(refused) << field;
        EXPECT_EQ(refused.error().kind, ErrorKind::InvalidInput);
        EXPECT_TRUE(refused.error().message.starts_with(field)) << refused.error().message;
    }
}

TEST_F(LlamaMindTest, RefusesFilesThatAreNoModel) {
    EXPECT_FALSE(LlamaMind::load(file_, {}));
    std::ofstream(file_) << "GGUF and then nothing of use";
    const auto refused = LlamaMind::load(file_, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::InvalidInput);
    EXPECT_FALSE(refused.error().message.contains(file_.string()));
    EXPECT_FALSE(refused.error().detail.empty());
}

}  // namespace
}  // namespace titans::mind
