#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "audio/decoder.h"
#include "checkpoint/checkpoint.h"
#include "checkpoint/convert.h"
#include "checkpoint/tensors.h"
#include "foundation/temporary_folder_for_test.h"
#include "voice/f5tts/excerpt.h"
#include "voice/f5tts/f5_synthesizer.h"
#include "voice/f5tts/mel.h"

namespace titans::voice::f5tts {
namespace {

using nlohmann::json;

const std::filesystem::path kFixtures = TITANS_PARITY_FIXTURES;

json read_json(const std::filesystem::path& path) { return json::parse(std::ifstream(path)); }

/// The recording that `about` describes (tools/reference/f5tts_behaviour.py), its channels mixed.
audio::Audio recording(const json& about) {
    auto x = about["seed"].get<std::uint32_t>();
    const int rate = about["rate"];
    const int channels = about["channels"];
    std::vector<float> samples;
    for (const json& part : about["parts"]) {
        const int count = rate * part[0].get<int>() / 1000;
        const int loudness = part[1];
        for (int i = 0; i < count; ++i) {
            float sum = 0;
            for (int channel = 0; channel < channels; ++channel) {
                x = 1664525 * x + 1013904223;
                sum += static_cast<float>(((static_cast<int>(x >> 16) - 32768) * loudness) >> 15);
            }
            samples.push_back(sum / static_cast<float>(channels) / 32768);
        }
    }
    return {SampleRate{rate}, std::move(samples)};
}

SpeechOptions options(const json& given) {
    SpeechOptions options{.seed = 0, .nfe_step = 1, .reference_mode = true};
    options.speed = given.value("speed", options.speed);
    options.cross_fade_duration = given.value("cross_fade_duration", options.cross_fade_duration);
    options.target_rms = given.value("target_rms", options.target_rms);
    if (given.contains("fix_duration")) options.fix_duration = given["fix_duration"].get<double>();
    return options;
}

/// Our reference mode beside the f5-tts package: behaviour.json.
class F5Behaviour : public testing::Test {
protected:
    static void SetUpTestSuite() {
        const TemporaryFolder folder;
        using checkpoint::Conversion;
        ASSERT_TRUE(checkpoint::convert(*checkpoint::find_conversion("f5tts"), kFixtures / "f5tts",
                                        folder / "f5tts.gguf"));
        ASSERT_TRUE(checkpoint::convert(*checkpoint::find_conversion("vocos"), kFixtures / "vocos",
                                        folder / "vocos.gguf"));
        auto device = engine::Device::open({.threads = 2});
        ASSERT_TRUE(device);
        const engine::Compute compute{.device = *std::move(device)};
        auto network = Network::load(folder / "f5tts.gguf", compute);
        auto vocoder = Vocoder::load(folder / "vocos.gguf", compute);
        ASSERT_TRUE(network && vocoder);
        synthesizer = std::make_unique<F5Synthesizer>(
            F5Synthesizer::Parts{.network = *std::move(network),
                                 .vocoder = *std::move(vocoder),
                                 .characters = std::make_shared<const Characters>()});
        behaviour = read_json(kFixtures / "f5tts/behaviour.json");
    }
    static void TearDownTestSuite() { synthesizer.reset(); }

    static std::shared_ptr<const F5Voice> learn(const json& about, const SpeechOptions& options) {
        Excerpt excerpt = synthesizer->choose_excerpt(recording(about), options);
        const auto learned = synthesizer->learn(
            {.excerpt = std::move(excerpt), .transcript = about["reference_text"]}, options, {});
        EXPECT_TRUE(learned);
        return std::dynamic_pointer_cast<const F5Voice>(*learned);
    }

    static void expect_plan(const json& expected, const std::string& text,
                            const std::shared_ptr<const F5Voice>& voice,
                            const SpeechOptions& options) {
        const auto pieces = synthesizer->plan(text, *voice, options);
        ASSERT_TRUE(pieces) << pieces.error().message;
        ASSERT_EQ(pieces->size(), expected["chunks"].size()) << text;
        for (std::size_t i = 0; i < pieces->size(); ++i) {
            const Piece& piece = (*pieces)[i];
            const json& chunk = expected["chunks"][i];
            EXPECT_EQ(json(piece.text), chunk["text"]);
            EXPECT_EQ(piece.ids.size(), chunk["tokens"]) << piece.text;
            EXPECT_EQ(piece.frames, chunk["frames"]) << piece.text;
        }
    }

    static void expect_answer(const json& expected, const std::string& text,
                              const std::shared_ptr<const F5Voice>& voice,
                              const SpeechOptions& options) {
        expect_plan(expected, text, voice, options);
        const auto utterance = synthesizer->begin(text, voice, options);
        ASSERT_TRUE(utterance);
        std::optional<Result<audio::Audio>> spoken;
        while (!spoken) spoken = (*utterance)->step({});
        ASSERT_TRUE(*spoken);
        EXPECT_EQ((*spoken)->samples().size(), expected["samples"]) << text;
    }

    static inline std::unique_ptr<F5Synthesizer> synthesizer;
    static inline json behaviour;
};

TEST_F(F5Behaviour, TakesTheSamePartOfARecordingAsLoud) {
    for (const auto& [name, about] : behaviour["recordings"].items()) {
        const json& prepared = about["prepared"];
        const Excerpt excerpt = reference_excerpt(recording(about));
        EXPECT_EQ(excerpt.audio.samples().size(), prepared["samples"]) << name;
        EXPECT_EQ(excerpt.is_part, !prepared["cut"].empty()) << name;
        const auto voice = learn(about, options(json::object()));
        ASSERT_NE(voice, nullptr);
        EXPECT_EQ(json(voice->text()), prepared["reference_text"]) << name;
        EXPECT_EQ(voice->samples(), prepared["samples_at_24000"]) << name;
        EXPECT_EQ(voice->samples() / kHop, prepared["reference_frames"]) << name;
        const double rms = prepared["rms"];
        // The package rounds to 16 bits before it mixes channels, we after it.
        EXPECT_NEAR(voice->gain(), rms < 0.1 ? rms / 0.1 : 1, 1e-5) << name;
    }
}

TEST_F(F5Behaviour, SpeaksTheSameTextsInAsManySamples) {
    for (const auto& [name, about] : behaviour["recordings"].items()) {
        SCOPED_TRACE(name);
        const auto voice = learn(about, options(json::object()));
        for (std::size_t i = 0; i < about["answers"].size(); ++i) {
            // Only short ones are sampled, too: that takes time.
            const json& answer = about["answers"][i];
            const auto expect = answer["chunks"].size() == 1 ? expect_answer : expect_plan;
            expect(answer, behaviour["texts"][i]["text"], voice, options(json::object()));
        }
    }
}

/// From the recording's samples and the texts to the waveform, by the same noise: the network's own
/// stages are compared by titans-parity.
TEST_F(F5Behaviour, SoundsAsThePackageDoes) {
    const json expected = read_json(kFixtures / "f5tts/expected.json");
    const auto stages =
        checkpoint::Checkpoint::open_safetensors(kFixtures / "f5tts/stages.safetensors");
    ASSERT_TRUE(stages);
    const auto wanted = checkpoint::to_f32(*stages->tensors().tensor("waveform"));
    const auto mel = checkpoint::to_f32(*stages->tensors().tensor("mel"));
    ASSERT_TRUE(wanted && mel);
    std::ifstream file(kFixtures / "f5tts/recording.wav", std::ios::binary);
    const std::string bytes(std::istreambuf_iterator<char>(file), {});
    const auto recorded = audio::decode(std::as_bytes(std::span(bytes)), kRate, {}, {});
    ASSERT_TRUE(recorded) << recorded.error().message;

    SpeechOptions chosen = options(json::object());
    chosen.seed = expected["seed"];
    chosen.nfe_step = 32;
    const auto voice = synthesizer->learn(
        {.excerpt = {.audio = *recorded}, .transcript = expected["reference_text"]}, chosen, {});
    ASSERT_TRUE(voice) << voice.error().message;
    const auto learned = dynamic_cast<const F5Voice&>(**voice).mel();
    ASSERT_EQ(learned.size(), mel->size());
    for (std::size_t i = 0; i < learned.size(); ++i) EXPECT_NEAR(learned[i], (*mel)[i], 1e-3) << i;
    const auto utterance = synthesizer->begin(expected["text"].get<std::string>(), *voice, chosen);
    ASSERT_TRUE(utterance);
    std::optional<Result<audio::Audio>> spoken;
    while (!spoken) spoken = (*utterance)->step({});
    ASSERT_TRUE(*spoken);
    const auto sound = (*spoken)->samples();
    ASSERT_EQ(sound.size(), wanted->size());
    double error = 0;
    double energy = 0;
    for (std::size_t i = 0; i < sound.size(); ++i) {
        error += std::pow(sound[i] - (*wanted)[i], 2);
        energy += std::pow((*wanted)[i], 2);
    }
    EXPECT_LT(std::sqrt(error / energy), 1e-3);
}

TEST_F(F5Behaviour, HasTheOptionsOfThePackage) {
    for (const json& tried : behaviour["options"]) {
        SCOPED_TRACE(tried["options"].dump());
        const SpeechOptions chosen = options(tried["options"]);
        const auto voice =
            learn(behaviour["recordings"][tried["recording"].get<std::string>()], chosen);
        expect_answer(tried, behaviour["texts"][tried["text"].get<std::size_t>()]["text"], voice,
                      chosen);
    }
}

}  // namespace
}  // namespace titans::voice::f5tts
