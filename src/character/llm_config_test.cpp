#include "character/llm_config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "character/speech_settings.h"

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
    EXPECT_TRUE(config->has_api_key);
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

TEST(SpeechSettings, KnowTheModelsOfTheSpecification) {
    EXPECT_TRUE(parse_stt_settings(R"({"model": "wav2vec", "threshold": 0.05})"));
    EXPECT_EQ(parse_stt_settings(R"({"language": "en-us"})")->language, "en");
    EXPECT_THAT(parse_stt_settings(R"({"model": "siri"})").error().message,
                HasSubstr("stt_settings.model"));
    EXPECT_TRUE(parse_voice_settings(R"({"model": "xtts", "coqui_tos_agreed": true})"));
    EXPECT_THAT(parse_voice_settings(R"({"model": "bark"})").error().message,
                HasSubstr("voice_cloning_settings.model"));
}

}  // namespace
}  // namespace titans::character
