#include "character/llm_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace titans::character {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(LlmConfig, ReadsTheSpecificationsExample) {
    const auto config =
        parse_llm_config(R"({"api_key": "k", "base_url": "https://api.openai.com/v1",
        "model_name": "gpt-3.5-turbo", "max_tokens": 150, "temperature": 0.5, "top_p": 0.8,
        "system_prompt": "You are helpful.", "stop_tokens": ["\nUser:", "\nAssistant:"]})");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->generation.max_tokens, 150);
    EXPECT_FLOAT_EQ(config->generation.temperature, 0.5F);
    EXPECT_THAT(config->generation.stop_strings, ElementsAre("\nUser:", "\nAssistant:"));
    EXPECT_EQ(config->api_key.reveal(), "k");
}

TEST(LlmConfig, NamesTheValueThatIsWrong) {
    for (const auto& [json, name] :
         std::map<std::string, std::string>{{R"({"max_tokens": 0})", "max_tokens"},
                                            {R"({"max_tokens": 1e300})", "max_tokens"},
                                            {R"({"temperature": "hot"})", "temperature"},
                                            {R"({"top_p": 1.5})", "top_p"},
                                            {R"({"stop_tokens": [""]})", "stop_tokens"},
                                            {R"({"system_prompt": 7})", "system_prompt"}}) {
        const auto config = parse_llm_config(json);
        ASSERT_FALSE(config) << json;
        EXPECT_THAT(config.error().message, HasSubstr("llm_config." + name));
    }
}

TEST(LlmConfig, RefusesWhatIsNoObject) {
    EXPECT_FALSE(parse_llm_config("[1]"));
    EXPECT_FALSE(parse_llm_config("{"));
    EXPECT_FALSE(parse_llm_config("{\"a\":" + std::string(100'000, '[')));
}

TEST(LlmConfig, TakesNullForLeftOut) {
    const auto config = parse_llm_config(R"({"max_tokens": null})");
    ASSERT_TRUE(config);
    EXPECT_EQ(config->generation.max_tokens, 200);
}

TEST(LlmConfig, ShowsDefaultsBesideWhatWasGivenInItsOrder) {
    SettingsReport report;
    ASSERT_TRUE(parse_llm_config(R"({"top_p": 0.8, "mood": "sunny"})", &report));
    EXPECT_TRUE(report.shown.starts_with(R"({"top_p":0.8,"mood":"sunny")")) << report.shown;
    EXPECT_THAT(report.shown, HasSubstr(R"("max_tokens":200)"));
    EXPECT_THAT(report.shown, HasSubstr(R"("temperature":0.2,)"));
    EXPECT_THAT(report.unknown, ElementsAre("llm_config.mood"));
}

TEST(LlmConfig, TakesTheSpecificationsHuggingFaceSettings) {
    EXPECT_TRUE(parse_llm_config(R"({"model_name": "microsoft/DialoGPT-medium", "device": "auto",
        "torch_dtype": "float16", "max_tokens": 200, "temperature": 0.7,
        "trust_remote_code": false})"));
    EXPECT_THAT(parse_llm_config(R"({"torch_dtype": "int3"})").error().message,
                HasSubstr("llm_config.torch_dtype"));
}

TEST(LlmConfig, ReplacesTheKeyAndNothingElse) {
    EXPECT_EQ(with_api_key(R"({"b": 1, "api_key": "old", "a": [2]})", Secret("new")),
              R"({"b":1,"a":[2],"api_key":"new"})");
    EXPECT_EQ(with_api_key(R"({"api_key": "old"})", Secret()), "{}");
}

}  // namespace
}  // namespace titans::character
