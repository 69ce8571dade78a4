#include "api/answers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace titans::api {
namespace {

using testing::HasSubstr;
using testing::Not;

character::Answer spoken_answer() {
    character::Answer answer;
    answer.question = "Who?";
    answer.question_was_spoken = true;
    answer.ears = {.engine = "wav2vec", .language = "en", .confidence = 0.9876F};
    answer.text = "Ada.";
    answer.audio = character::AudioFile{"ada", "f.wav"};
    answer.recalled.passages = {{.text = "one", .score = 0.5, .cosine = {}},
                                {.text = "two", .score = 0.25, .cosine = {}}};
    answer.timings.recall = Milliseconds(1.26);
    return answer;
}

TEST(Answers, UseTheWordsOfTheSpecification) {
    const auto body = answer_json(spoken_answer(), "http://h:1");
    EXPECT_EQ(body["transcribed_question"], "Who?");
    EXPECT_FALSE(body.contains("question"));
    EXPECT_EQ(body["audio_url"], "http://h:1/serve-audio/ada/f.wav");
    EXPECT_EQ(body["knowledge_context"], "Document 1: one\n\nDocument 2: two");
    EXPECT_EQ(body["timings"]["recall"], 1.3);
    EXPECT_EQ(body["timings"]["decode"], nullptr);
    EXPECT_EQ(body["status"], "success");
}

TEST(Answers, SayWhatHeardASpokenQuestion) {
    character::Answer answer = spoken_answer();
    const auto body = answer_json(answer, "");
    EXPECT_EQ(body["stt"]["engine"], "wav2vec");
    EXPECT_EQ(body["stt"]["language"], "en");
    EXPECT_EQ(body["stt"]["confidence"], 0.988);
    answer.ears.language.clear();
    EXPECT_EQ(answer_json(answer, "")["stt"]["language"], nullptr);
    answer.question_was_spoken = false;
    EXPECT_FALSE(answer_json(answer, "").contains("stt"));
}

TEST(Answers, NeverShowAKey) {
    store::CharacterRecord character;
    character.llm_config = R"({"api_key": "sk-secret", "max_tokens": 5})";
    character.voice_cloning_settings = character.stt_settings = "{}";
    const auto body = character_json(character, "", std::nullopt);
    EXPECT_EQ(body["llm_config"]["api_key"], "set");
    EXPECT_EQ(body["llm_config"]["max_tokens"], 5);
    EXPECT_THAT(body.dump(), Not(HasSubstr("sk-secret")));
}

TEST(Answers, WriteAnEventOnTwoLines) {
    EXPECT_EQ(event_text(character::TextPiece{"a\nb"}, ""),
              "event: text\ndata: {\"text\":\"a\\nb\"}\n\n");
    EXPECT_THAT(event_text(Error{ErrorKind::NothingHeard, "no speech"}, ""),
                HasSubstr("\"code\":422"));
}

}  // namespace
}  // namespace titans::api
