#include "mind/openai/chat_completion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <nlohmann/json.hpp>
#include <vector>

namespace titans::mind {
namespace {

using nlohmann::json;

json request(std::string_view model, const GenerationOptions& options, bool with_usage = true) {
    const Prompt prompt{.messages = {{Role::System, "Be brief."},
                                     {Role::User, "Hi"},
                                     {Role::Assistant, "Hello"},
                                     {Role::User, "Who? \xC3\xA9\xFF"}}};
    return json::parse(completion_request(model, prompt, options, with_usage));
}

TEST(CompletionRequest, HasAllThatTheApiKnows) {
    const json expected = json::parse(R"({
        "model": "gpt-4o-mini", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"},
                     {"role": "assistant", "content": "Hello"},
                     {"role": "user", "content": "Who? é�"}],
        "max_tokens": 7, "temperature": 0.3, "top_p": 0.95, "seed": 5,
        "stop": ["a", "b", "c", "d"]})");
    EXPECT_EQ(request("gpt-4o-mini", {.max_tokens = 7,
                                      .temperature = 0.3F,
                                      .top_p = 0.95F,
                                      .seed = 5,
                                      .stop_strings = {"a", "", "b", "c", "d", "e"}}),
              expected);
}

TEST(CompletionRequest, LeavesOutWhatWasNotAskedFor) {
    const json body = request("m", {}, false);
    for (const char* name : {"stop", "seed", "stream_options"}) EXPECT_FALSE(body.contains(name));
}

TEST(CompletionRequest, AsksAReasoningModelInItsOwnWay) {
    for (const char* model : {"o1", "o3-mini", "o4-mini", "gpt-5", "gpt-5-nano", "openai/o3"}) {
        const json body = request(model, {.max_tokens = 9, .stop_strings = {"x"}});
        EXPECT_EQ(body["max_completion_tokens"], 9) << model;
        for (const char* name : {"max_tokens", "temperature", "top_p", "stop"})
            EXPECT_FALSE(body.contains(name)) << model << " " << name;
    }
    for (const char* model : {"gpt-4o", "gpt-3.5-turbo", "olmo-2", "o", "", "org/orca-3", "o1/x"})
        EXPECT_EQ(request(model, {.max_tokens = 9})["max_tokens"], 9) << model;
}

struct Read {
    Result<Completion> completion;
    std::vector<std::string> pieces;
};

/// What `bytes` in pieces of `size` are read as.
Read read(std::string_view bytes, const GenerationOptions& options = {}, std::size_t size = 7) {
    std::vector<std::string> pieces;
    CompletionReader reader(
        options, [&](std::string_view piece) { pieces.emplace_back(piece); }, Clock::now());
    while (!bytes.empty() && !reader.is_done()) {
        if (auto added = reader.add(bytes.substr(0, size)); !added)
            return {std::unexpected(added.error()), pieces};
        bytes.remove_prefix(std::min(size, bytes.size()));
    }
    return {reader.finish(), pieces};
}

std::string chunk(std::string_view text, std::string_view finish_reason = "null") {
    return std::format(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":{}}},\"finish_reason\":{}}}]}}\n\n",
        json(text).dump(), finish_reason);
}

const std::string kDone = "data: [DONE]\n\n";

TEST(CompletionReader, ReadsAStreamWhereverItIsCut) {
    const std::string bytes =
        ": hello\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":null}}]}\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"reasoning_content\":\"Hm.\"}}]}\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\"Gr\xC3\xBC\xC3\x9F \"},"
        "\"finish_reason\":\"\"}]}\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{\"content\":\"Gott, \\ud83d\\ude00\"}}]}\r\n\r\n"
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":null}\r\n\r\n"
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":30,\"completion_tokens\":6,"
        "\"prompt_tokens_details\":{\"cached_tokens\":20}}}\r\n\r\n"
        "data: [DONE]\r\n\r\n";
    for (std::size_t size = 1; size <= bytes.size(); ++size) {
        const auto [completion, pieces] = read(bytes, {}, size);
        ASSERT_TRUE(completion) << size << completion.error().message;
        ASSERT_EQ(completion->text, "Gr\xC3\xBC\xC3\x9F Gott, \xF0\x9F\x98\x80") << size;
        EXPECT_EQ(pieces.size(), 2U);
        EXPECT_EQ(completion->prompt_tokens, 30);
        EXPECT_EQ(completion->cached_tokens, 20);
        EXPECT_EQ(completion->completion_tokens, 6);
        EXPECT_FALSE(completion->truncated);
        EXPECT_GT(completion->first_token, Milliseconds::zero());
    }
}

TEST(CompletionReader, CountsPiecesWhereTheApiDoesNotCount) {
    EXPECT_EQ(read(chunk("a") + chunk("b") + kDone).completion->completion_tokens, 2);
}

TEST(CompletionReader, ReadsAnAnswerThatIsNotStreamed) {
    const auto [completion, pieces] = read(
        R"( {"choices":[{"message":{"role":"assistant","content":"All at once"},
            "finish_reason":"length"}],"usage":{"prompt_tokens":3,"completion_tokens":4}})");
    ASSERT_TRUE(completion) << completion.error().message;
    EXPECT_EQ(completion->text, "All at once");
    EXPECT_EQ(pieces, std::vector<std::string>{"All at once"});
    EXPECT_TRUE(completion->truncated);
    EXPECT_EQ(completion->prompt_tokens, 3);
    EXPECT_EQ(completion->completion_tokens, 4);
}

TEST(CompletionReader, SaysThatTheTokensWereUsedUp) {
    EXPECT_TRUE(read(chunk("a", "\"length\"") + kDone).completion->truncated);
    const auto nothing = read(chunk("", "\"length\"") + kDone).completion;
    ASSERT_FALSE(nothing);
    EXPECT_THAT(nothing.error().message, testing::HasSubstr("max_tokens"));
}

TEST(CompletionReader, EndsAtAStopStringAcrossPieces) {
    const auto [completion, pieces] =
        read(chunk("one EN") + chunk("D two") + chunk("three"), {.stop_strings = {"END"}});
    ASSERT_TRUE(completion) << completion.error().message;
    EXPECT_EQ(completion->text, "one ");
    EXPECT_EQ(pieces, std::vector<std::string>{"one "});
    EXPECT_FALSE(completion->truncated);
}

TEST(CompletionReader, EndsAnEndlessAnswer) {
    CompletionReader reader({.max_tokens = 10}, {}, Clock::now());
    int chunks = 0;
    for (; !reader.is_done() && chunks < 10'000; ++chunks) ASSERT_TRUE(reader.add(chunk("word ")));
    EXPECT_LT(chunks, 1'000);
    const auto completion = reader.finish();
    ASSERT_TRUE(completion);
    EXPECT_TRUE(completion->truncated);
    EXPECT_LT(completion->text.size(), 1'000U);
}

TEST(CompletionReader, IgnoresWhatFollowsTheEnd) {
    const auto completion = read(chunk("a") + kDone + chunk("b"), {}, 10'000).completion;
    ASSERT_TRUE(completion);
    EXPECT_EQ(completion->text, "a");
}

TEST(CompletionReader, TakesEitherMarkOfTheEnd) {
    EXPECT_TRUE(read(chunk("a", "\"stop\"")).completion);
    EXPECT_TRUE(read(chunk("a") + kDone).completion);
    EXPECT_TRUE(read(chunk("a") + "data: [DONE]").completion);
}

TEST(CompletionReader, ReportsAnAnswerThatBreaksOff) {
    for (const std::string& bytes :
         {chunk("a"), chunk("a") + "data: {\"cho", std::string(": nothing\n\n"),
          std::string("<html>busy</html>"), std::string(), std::string("\n\n")}) {
        const auto completion = read(bytes).completion;
        ASSERT_FALSE(completion) << bytes;
        EXPECT_EQ(completion.error().kind, ErrorKind::Upstream) << bytes;
    }
}

TEST(CompletionReader, ReportsAnErrorWithinTheAnswer) {
    for (const std::string& bytes :
         {chunk("a") + "data: {\"error\":{\"message\":\"overloaded\"}}\n\n" + kDone,
          std::string("{\"error\":{\"message\":\"overloaded\"}}"),
          std::string("data: {\"error\":\"overloaded\"}\n\n")}) {
        const auto completion = read(bytes).completion;
        ASSERT_FALSE(completion) << bytes;
        EXPECT_EQ(completion.error().kind, ErrorKind::Upstream);
        EXPECT_EQ(completion.error().detail, "overloaded");
    }
}

TEST(CompletionReader, ReportsWhatCannotBeRead) {
    for (const std::string& bytes :
         {std::string("data: {\"choices\":\n\n"), std::string("data: []\n\n"),
          std::string("data: 7\n\n"), std::string("data: \"\xFF\"\n\n"), std::string("{"),
          std::string("{}"), std::string("{\"choices\":[]}"), std::string("{\"choices\":7}"),
          "data: {\"a\":" + std::string(300'000, '[') + "\n\n",
          "data: {\"a\":" + std::string(100, '[') + std::string(100, ']') + "}\n\n",
          "data: \"" + std::string(2'000'000, 'x') + "\"\n\n"}) {
        const auto completion = read(bytes + kDone, {}, 100'000).completion;
        ASSERT_FALSE(completion) << bytes.substr(0, 100);
        EXPECT_EQ(completion.error().kind, ErrorKind::Upstream);
    }
}

TEST(CompletionReader, LooksAtTypesBeforeItBelievesThem) {
    for (const char* bytes :
         {R"({"choices":[7]})", R"({"choices":[{"message":"x"}]})",
          R"({"choices":[{"message":{"content":["x"]},"finish_reason":7}],"usage":[1]})",
          R"({"choices":[{"message":{"content":{}}}],"usage":{"prompt_tokens":"3",
              "completion_tokens":-1,"prompt_tokens_details":7}})"}) {
        const auto completion = read(bytes).completion;
        ASSERT_TRUE(completion) << bytes;
        EXPECT_EQ(completion->text, "");
        EXPECT_EQ(completion->prompt_tokens, 0);
        EXPECT_EQ(completion->completion_tokens, 0);
    }
    const auto large =
        read(R"({"choices":[7],"usage":{"prompt_tokens":99999999999999}})").completion;
    EXPECT_EQ(large->prompt_tokens, std::numeric_limits<int>::max());
}

}  // namespace
}  // namespace titans::mind
