#include "character/speech_settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <format>
#include <map>

namespace titans::character {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

audio::Preparation preparation(std::string_view json) {
    const auto settings = parse_voice_settings(json);
    EXPECT_TRUE(settings) << settings.error().message;
    return settings->preparation;
}

TEST(SpeechSettings, LeaveARecordingAsItIsUnlessAskedTo) {
    EXPECT_TRUE(preparation("{}").changes_nothing());
    EXPECT_TRUE(preparation(R"({"preprocess_audio": false, "top_db": 20})").changes_nothing());
}

TEST(SpeechSettings, PrepareARecordingAsTheSpecificationsExampleDoes) {
    EXPECT_EQ(preparation(R"({"preprocess_audio": true})"), audio::standard_preparation());
}

TEST(SpeechSettings, TakeEachOptionOfPreparationFlatOrNested) {
    EXPECT_EQ(preparation(R"({"clean_audio": true, "fade_length_ms": 7})"),
              (audio::Preparation{.clean = true, .fade_ms = 7}));
    EXPECT_EQ(preparation(R"({"preprocessing": {"clean_audio": true, "fade_length_ms": 7}})"),
              (audio::Preparation{.clean = true, .fade_ms = 7}));

    audio::Preparation all_but_two = audio::standard_preparation();
    all_but_two.bass_boost = false;
    all_but_two.top_db = 30;
    EXPECT_EQ(preparation(R"({"preprocess_audio": true, "top_db": 30,
                              "preprocessing": {"bass_boost": false}})"),
              all_but_two);
    // Flat is stronger.
    EXPECT_EQ(preparation(R"({"top_db": 30, "preprocessing": {"top_db": 20}})").top_db, 30);
}

TEST(SpeechSettings, ShowHowARecordingIsPrepared) {
    SettingsReport report;
    ASSERT_TRUE(parse_voice_settings(
        R"({"preprocess_audio": true, "preprocessing": {"enhance_audio": false}})", &report));
    const auto shown = nlohmann::json::parse(report.shown);
    EXPECT_EQ(shown["clean_audio"], true);
    EXPECT_EQ(shown["remove_silence"], true);
    EXPECT_EQ(shown["top_db"], 40);
    EXPECT_EQ(shown["enhance_audio"], false);
    EXPECT_EQ(shown["fade_length_ms"], 50);
    EXPECT_EQ(shown["bass_boost"], true);
    EXPECT_EQ(shown["treble_boost"], true);
    EXPECT_EQ(shown["compression"], true);
    EXPECT_TRUE(report.unknown.empty());
}

TEST(SpeechSettings, SayWhatIsWrongWithPreprocessing) {
    SettingsReport report;
    ASSERT_TRUE(parse_voice_settings(R"({"preprocessing": {"clean_audio": true, "reverb": true}})",
                                     &report));
    EXPECT_THAT(report.unknown, ElementsAre("voice_cloning_settings.preprocessing.reverb"));
    EXPECT_THAT(parse_voice_settings(R"({"preprocessing": {"top_db": "loud"}})").error().message,
                HasSubstr("voice_cloning_settings.preprocessing.top_db"));
    EXPECT_THAT(parse_voice_settings(R"({"preprocessing": 7})").error().message,
                HasSubstr("voice_cloning_settings.preprocessing"));
}

TEST(SpeechSettings, RefuseWhatIsOutOfRangeOrNoLanguage) {
    for (const auto& [json, name] :
         std::map<std::string, std::string>{{R"({"threshold": 1.5})", "threshold"},
                                            {R"({"silence": 0})", "silence"},
                                            {R"({"max_time": -1})", "max_time"},
                                            {R"({"min_duration": "x"})", "min_duration"},
                                            {R"({"language": "en\nde"})", "language"}}) {
        const auto settings = parse_stt_settings(json);
        ASSERT_FALSE(settings) << json;
        EXPECT_THAT(settings.error().message, HasSubstr("stt_settings." + name));
    }
}

TEST(SpeechSettings, TakeADeviceAsTorchWritesItOrItsNumber) {
    const auto device = [](std::string_view given) {
        return parse_voice_settings(std::format(R"({{"cuda_device": "{}"}})", given));
    };
    for (const std::string_view usual : {"", "auto"}) {
        EXPECT_FALSE(device(usual)->device.processor);
        EXPECT_EQ(device(usual)->device.gpu, std::nullopt);
    }
    EXPECT_TRUE(device("cpu")->device.processor);
    EXPECT_EQ(device("cpu")->device.gpu, std::nullopt);
    for (const std::string_view first : {"0", "cuda", "cuda:0", "gpu", "mps"})
        EXPECT_EQ(device(first)->device.gpu, 0) << first;
    for (const std::string_view second : {"1", "cuda:1", "gpu:1"})
        EXPECT_EQ(device(second)->device.gpu, 1) << second;
    for (const std::string_view none :
         {"-1", "cuda:", "cuda:x", "cuda0", "0x", " 0", "1000", "tpu"}) {
        const auto settings = device(none);
        ASSERT_FALSE(settings) << none;
        EXPECT_EQ(settings.error().kind, ErrorKind::InvalidInput);
        EXPECT_THAT(settings.error().message, HasSubstr("voice_cloning_settings.cuda_device"));
    }
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
