#include "voice/f5tts/f5_synthesizer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "foundation/temporary_folder_for_test.h"
#include "voice/f5tts/mel.h"
#include "voice/f5tts/tiny_f5tts_for_test.h"

namespace titans::voice::f5tts {
namespace {

class F5SynthesizerTest : public testing::Test {
protected:
    std::shared_ptr<const Network> load() {
        const auto path = folder_ / "tiny.gguf";
        write_tiny_f5tts(path);
        return Network::load(path, {.device = *engine::Device::open({.threads = 2})}).value();
    }

    F5Synthesizer synthesizer(bool on_gpu = false) const {
        return F5Synthesizer({.network = network_,
                              .vocoder = nullptr,
                              .characters = std::make_shared<const Characters>(),
                              .on_gpu = on_gpu});
    }

    /// Of a recording of four seconds.
    std::shared_ptr<const F5Voice> learn(std::string words, const SpeechOptions& options) {
        std::vector<float> samples;
        for (int i = 0; i < 4 * kRate.hz; ++i)
            samples.push_back(0.5F * std::sin(0.05F * static_cast<float>(i)));
        const auto voice =
            speaker_.learn({.excerpt = {.audio = {kRate, std::move(samples)}, .note = {}},
                            .transcript = std::move(words)},
                           options, {});
        return std::dynamic_pointer_cast<const F5Voice>(voice.value());
    }

    TemporaryFolder folder_;
    std::shared_ptr<const Network> network_ = load();
    F5Synthesizer speaker_ = synthesizer();
};

TEST_F(F5SynthesizerTest, TakesTheStepsOfTheQualityUnlessTheyAreGiven) {
    const auto steps = [this](const SpeechOptions& options) {
        return speaker_.complete(options).nfe_step;
    };
    EXPECT_EQ(steps({}), 7);
    EXPECT_EQ(synthesizer(true).complete({}).nfe_step, 16);
    EXPECT_EQ(steps({.quality = Quality::Best}), 32);
    EXPECT_EQ(steps({.quality = Quality::Best, .nfe_step = 12}), 12);
    EXPECT_EQ(steps({.reference_mode = true}), 32);
    EXPECT_EQ(steps({.quality = Quality::Balanced, .reference_mode = true}), 16);
}

TEST_F(F5SynthesizerTest, SpellsTheRecordingsNumbersAsItDoesTheTexts) {
    const auto spelled = learn("It was in 1999", {});
    EXPECT_EQ(spelled->text(), "It was in nineteen ninety-nine. ");
    EXPECT_EQ(learn("It was in 1999", {.normalize_text = false})->text(), "It was in 1999. ");
    EXPECT_EQ(learn("It was in 1999", {.reference_mode = true})->text(), "It was in 1999. ");
    EXPECT_EQ(learn("Es war 1999", {.language = "de"})->text(),
              "Es war neunzehnhundertneunundneunzig. ");

    const SpeechOptions options = speaker_.complete({});
    const auto pieces = speaker_.plan("It was in 1999.", *spelled, options);
    ASSERT_TRUE(pieces);
    ASSERT_EQ(pieces->size(), 1);
    EXPECT_EQ(pieces->front().text, "It was in nineteen ninety-nine.");
    // The same words take as long again: 375 frames of recording, and 31 of 33 bytes of it.
    EXPECT_EQ(pieces->front().frames, 375 + 375 * 31 / 33);
}

TEST_F(F5SynthesizerTest, SpeaksLaterTextsInPiecesAsLongAsTheRecording) {
    const SpeechOptions options = speaker_.complete({});
    const auto voice = learn("Nobody could tell how long the old boat had been there", options);
    const TextLength length = speaker_.text_length(voice.get(), options);
    EXPECT_EQ(length.first, 24);
    EXPECT_EQ(length.later, voice->text().size());
    EXPECT_EQ(speaker_.text_length(learn("hello", options).get(), options).later, 24);
    const auto whole = speaker_.text_length(voice.get(), {.reference_mode = true});
    EXPECT_EQ(whole.first, std::string::npos);
}

TEST_F(F5SynthesizerTest, LeavesNothingToSayToAnError) {
    const auto voice = learn("hello", {});
    for (const char* const text : {"", "  "}) {
        const auto pieces = speaker_.plan(text, *voice, speaker_.complete({}));
        ASSERT_FALSE(pieces) << '"' << text << '"';
        EXPECT_EQ(pieces.error().kind, ErrorKind::InvalidInput);
    }
}

}  // namespace
}  // namespace titans::voice::f5tts
