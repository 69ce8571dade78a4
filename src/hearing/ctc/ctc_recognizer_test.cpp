#include "hearing/ctc/ctc_recognizer.h"

#include <gguf.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>
#include <thread>

#include "foundation/temporary_folder_for_test.h"
#include "hearing/ctc/tiny_ctc_for_test.h"
#include "hearing/families.h"

namespace titans::hearing::ctc {
namespace {

constexpr SampleRate kRate{16000};

engine::Compute on_processor() { return {.device = *engine::Device::open({.threads = 2})}; }

audio::Audio noise(std::size_t count) {
    std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same noise in every run
    std::normal_distribution<float> level(0, 0.1F);
    std::vector<float> samples(count);
    for (float& sample : samples) sample = level(random);
    return {kRate, std::move(samples)};
}

class TinyModel {
public:
    explicit TinyModel(const TinyCtc& model = {}) : architecture_(model.architecture) {
        write_tiny_ctc(path(), model);
    }

    std::filesystem::path path() const { return folder_ / "model.gguf"; }

    Result<std::unique_ptr<CtcRecognizer>> try_load(const CtcRecognizer::Options& options = {}) {
        return CtcRecognizer::load(path(), architecture_, on_processor(), options);
    }

    std::unique_ptr<CtcRecognizer> load(const CtcRecognizer::Options& options = {}) {
        auto loaded = try_load(options);
        EXPECT_TRUE(loaded) << loaded.error().message;
        return *std::move(loaded);
    }

private:
    TemporaryFolder folder_;
    std::string architecture_;
};

TEST(CtcRecognizer, SaysThatTheModelIsMissing) {
    const auto loaded = CtcRecognizer::load("/nowhere/model.gguf", "wav2vec2", on_processor(), {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::NotFound);
    EXPECT_EQ(loaded.error().message.find("nowhere"), std::string::npos) << "the path stays here";
}

TEST(CtcRecognizer, RefusesOtherFiles) {
    const TemporaryFolder folder;
    std::ofstream(folder / "model.gguf") << "GGUF and nothing else";
    const auto loaded = CtcRecognizer::load(folder / "model.gguf", "wav2vec2", on_processor(), {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
}

TEST(CtcRecognizer, RefusesAModelOfTheOtherFamily) {
    const TinyModel model({.architecture = "hubert"});
    const auto loaded = CtcRecognizer::load(model.path(), "wav2vec2", on_processor(), {});
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
    EXPECT_NE(loaded.error().message.find("hubert"), std::string::npos);
}

TEST(CtcRecognizer, NamesTheTensorThatAFileLacks) {
    for (const std::string name :
         {"feature_extractor.conv_layers.1.conv.weight", "feature_projection.layer_norm.bias",
          "encoder.pos_conv_embed.conv.weight", "encoder.layers.1.attention.k_proj.bias",
          "encoder.layers.0.final_layer_norm.weight", "lm_head.weight"}) {
        const auto loaded = TinyModel({.lacks = name}).try_load();
        ASSERT_FALSE(loaded);
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
        EXPECT_NE(loaded.error().message.find(name), std::string::npos) << loaded.error().message;
    }
}

TEST(CtcRecognizer, NamesTheFactThatItCannotTake) {
    struct Case {
        const char* key;
        std::function<void(gguf_context*, const char*)> change;
    };
    const auto number = [](std::uint32_t value) {
        return [value](gguf_context* file, const char* key) { gguf_set_val_u32(file, key, value); };
    };
    const auto word = [](const char* value) {
        return [value](gguf_context* file, const char* key) { gguf_set_val_str(file, key, value); };
    };
    const auto remove = [](gguf_context* file, const char* key) { gguf_remove_key(file, key); };
    const auto numbers = [](std::vector<std::int32_t> values) {
        return [values](gguf_context* file, const char* key) {
            gguf_set_arr_data(file, key, GGUF_TYPE_INT32, values.data(), values.size());
        };
    };
    const std::vector<Case> cases{
        {"wav2vec2.hidden_act", word("relu")},
        {"wav2vec2.feat_extract_activation", word("gelu_new")},
        {"wav2vec2.feat_extract_norm", word("batch")},
        {"wav2vec2.add_adapter",
         [](gguf_context* file, const char* key) { gguf_set_val_bool(file, key, true); }},
        {"wav2vec2.num_attention_heads", number(3)},
        {"wav2vec2.num_attention_heads", number(0)},
        {"wav2vec2.num_conv_pos_embedding_groups", number(5)},
        {"wav2vec2.num_hidden_layers", number(4'000'000'000)},
        {"wav2vec2.hidden_size", remove},
        {"wav2vec2.hidden_size", word("16")},
        {"wav2vec2.conv_stride", numbers({5})},
        {"wav2vec2.conv_stride", numbers({5, 0})},
        {"wav2vec2.conv_kernel", numbers({10, -6})},
        {"wav2vec2.conv_dim", numbers({8, 1 << 30})},
        {"wav2vec2.layer_norm_eps",
         [](gguf_context* file, const char* key) { gguf_set_val_f32(file, key, NAN); }},
        {"tokenizer.tokens", remove},
        {"tokenizer.pad_token", word("[PAD]")},
        {"tokenizer.word_delimiter_token", word(" ")},
        {"tokenizer.word_delimiter_token", word("<pad>")},
        {"tokenizer.tokens", [](gguf_context* file, const char*) {
             gguf_set_val_u32(file, "wav2vec2.vocab_size", 33);
         }}};
    for (const Case& each : cases) {
        const auto loaded = TinyModel({.change = [&](gguf_context* file) {
                                each.change(file, each.key);
                            }}).try_load();
        ASSERT_FALSE(loaded) << each.key;
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
        EXPECT_NE(loaded.error().message.find(each.key), std::string::npos)
            << loaded.error().message;
    }
}

TEST(CtcRecognizer, HearsNothingInLessThanAFrame) {
    TinyModel model;
    const auto recognizer = model.load();
    for (const std::size_t samples : {0, 1, kTinyField - 1}) {
        const auto heard = recognizer->recognize(noise(samples), {.word_times = true}, {});
        ASSERT_TRUE(heard) << heard.error().message;
        EXPECT_EQ(heard->text, "");
        EXPECT_EQ(heard->confidence, 0);
        EXPECT_EQ(heard->no_speech_probability, 1);
        EXPECT_TRUE(heard->words.empty());
    }
    EXPECT_TRUE(recognizer->recognize(noise(kTinyField), {}, {}));
}

TEST(CtcRecognizer, WritesTheSameForTheSameRecording) {
    TinyModel model;
    const auto recognizer = model.load();
    const auto first = recognizer->recognize(noise(8000), {}, {});
    ASSERT_TRUE(first);
    EXPECT_NE(first->text, "");
    const auto between = recognizer->recognize(noise(5000), {}, {});
    ASSERT_TRUE(between);
    EXPECT_NE(between->text, first->text);
    EXPECT_EQ(recognizer->recognize(noise(8000), {}, {})->text, first->text);
}

TEST(CtcRecognizer, GivesWordsWithTimesWhereAskedTo) {
    TinyModel model({.architecture = "hubert", .normalizes_each_conv = true});
    const auto recognizer = model.load();
    EXPECT_TRUE(recognizer->recognize(noise(8000), {}, {})->words.empty());
    const auto heard = recognizer->recognize(noise(8000), {.word_times = true}, {});
    ASSERT_TRUE(heard);
    ASSERT_FALSE(heard->words.empty());
    std::string joined;
    Milliseconds time{};
    for (const Word& word : heard->words) {
        joined += (joined.empty() ? "" : " ") + word.text;
        EXPECT_GE(word.begin, time);
        EXPECT_GT(word.end, word.begin);
        EXPECT_GT(word.confidence, 0);
        EXPECT_LE(word.confidence, 1);
        time = word.end;
    }
    EXPECT_EQ(joined, heard->text);
    EXPECT_LE(time, Milliseconds(500));
    EXPECT_GT(heard->confidence, 0);
    EXPECT_EQ(heard->no_speech_probability, 0);
}

TEST(CtcRecognizer, HearsALongRecordingInWindowsAsInOnePiece) {
    // Nothing in this model hears further than its positional convolution: 8 frames of 1.25 ms.
    TinyModel model({.normalizes_each_conv = true, .normalizes_first = true, .attends = false});
    const audio::Audio speech = noise(16007);
    const auto whole = model.load()->recognize(speech, {.word_times = true}, {});
    ASSERT_TRUE(whole);
    ASSERT_GT(whole->words.size(), 3U);
    for (const double milliseconds : {60.0, 333.0, 999.0}) {
        const auto recognizer =
            model.load({.window = Milliseconds(milliseconds), .context = Milliseconds(12.5)});
        const auto parts = recognizer->recognize(speech, {.word_times = true}, {});
        ASSERT_TRUE(parts);
        EXPECT_EQ(parts->text, whole->text);
        EXPECT_EQ(parts->words.back().end, whole->words.back().end);
        EXPECT_NEAR(parts->confidence, whole->confidence, 1e-5);
    }
}

TEST(CtcRecognizer, BelievesTheLanguageItIsTold) {
    TinyModel model;
    const auto recognizer = model.load();
    EXPECT_EQ(recognizer->recognize(noise(2000), {}, {})->language, "");
    EXPECT_EQ(recognizer->recognize(noise(2000), {.language = "en"}, {})->language, "en");
}

TEST(CtcRecognizer, RefusesWhatIsNotANumber) {
    TinyModel model;
    const auto recognizer = model.load();
    for (const float wrong : {NAN, INFINITY}) {
        std::vector<float> samples(8000, 0.1F);
        samples[4000] = wrong;
        const auto heard = recognizer->recognize({kRate, samples}, {}, {});
        ASSERT_FALSE(heard);
        EXPECT_EQ(heard.error().kind, ErrorKind::InvalidInput);
    }
}

TEST(CtcRecognizer, StopsWhenTold) {
    TinyModel model;
    std::stop_source source;
    source.request_stop();
    const auto heard = model.load()->recognize(noise(8000), {}, source.get_token());
    ASSERT_FALSE(heard);
    EXPECT_EQ(heard.error().kind, ErrorKind::Cancelled);
}

TEST(CtcFamilies, LoadByEachOfTheirNames) {
    const TinyModel wav2vec2;
    const TinyModel hubert({.architecture = "hubert"});
    for (const std::string_view name : {"wav2vec", "wav2vec2"}) {
        EXPECT_EQ(find_family(name)->missing, "");
        EXPECT_TRUE(find_family(name)->load(wav2vec2.path(), on_processor()));
        EXPECT_FALSE(find_family(name)->load(hubert.path(), on_processor()));
    }
    EXPECT_TRUE(find_family("hubert")->load(hubert.path(), on_processor()));
    EXPECT_FALSE(find_family("hubert")->load(wav2vec2.path(), on_processor()));
}

}  // namespace
}  // namespace titans::hearing::ctc
