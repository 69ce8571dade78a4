#include "checkpoint/whisper_checkpoint.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "checkpoint/converted_file_for_test.h"
#include "checkpoint/test_pytorch.h"
#include "checkpoint/whisper_names.h"

namespace titans::checkpoint {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

/// The sizes of test::tiny_whisper(), with a vocabulary that decoding can do with.
const json kConfig{{"model_type", "whisper"},      {"vocab_size", 7},
                   {"num_mel_bins", 80},           {"d_model", 8},
                   {"encoder_layers", 1},          {"decoder_layers", 1},
                   {"encoder_attention_heads", 2}, {"decoder_attention_heads", 2},
                   {"encoder_ffn_dim", 32},        {"decoder_ffn_dim", 32},
                   {"max_source_positions", 12},   {"max_target_positions", 10}};
const std::vector<std::string> kTokens{
    "a",        "Ġb",      "<|endoftext|>", "<|startoftranscript|>", "<|notimestamps|>",
    "<|0.00|>", "<|0.02|>"};

std::vector<NeededTensor> tensors() {
    ModelFile file("whisper");
    return whisper_tensors(*read_whisper_config(kConfig, file));
}

class WhisperCheckpointTest : public testing::Test {
protected:
    /// A number that belongs to a name, wherever the tensor is kept.
    static int first_of(std::string_view name) {
        return static_cast<int>(std::hash<std::string_view>()(name) % 1000);
    }

    void write(const std::string& name, const json& content) const {
        folder_.write("in/" + name, content.dump());
    }

    void write_transformers(const std::string& prefix) const {
        std::vector<test::Array> arrays;
        for (const auto& [name, shape] : tensors())
            arrays.push_back(test::ramp(prefix + name, shape, first_of(name)));
        arrays.push_back(test::ramp("proj_out.weight", {7, 8}, 0));
        folder_.write("in/model.safetensors", test::safetensors_file(arrays));
        write("config.json", kConfig);
        write_vocabulary();
    }

    /// vocab.json without what added_tokens.json has, and both without the timestamps.
    void write_vocabulary() const {
        write("vocab.json", {{"a", 0}, {"Ġb", 1}, {"<|endoftext|>", 2}});
        write("added_tokens.json", {{"<|startoftranscript|>", 3}, {"<|notimestamps|>", 4}});
    }

    void write_openai() const {
        std::vector<std::pair<std::string, std::string>> entries;
        test::Storages storages;
        for (const auto& [name, shape] : tensors()) {
            const test::Array array = test::ramp("", shape, first_of(name));
            Shape strides(shape.size(), 1);
            for (std::size_t axis = strides.size(); axis-- > 1;)
                strides[axis - 1] = strides[axis] * shape[axis];
            const std::string key = std::to_string(storages.size());
            entries.emplace_back(
                openai_name(name),
                test::pickle::tensor(test::pickle::storage("FloatStorage", key, test::count(shape)),
                                     0, shape, strides));
            storages.emplace_back(key, array.bytes);
        }
        std::vector<std::pair<std::string, std::string>> dims;
        for (const auto& [key, value] :
             {std::pair{"n_mels", 80}, std::pair{"n_vocab", 7}, std::pair{"n_audio_ctx", 12},
              std::pair{"n_audio_state", 8}, std::pair{"n_audio_head", 2},
              std::pair{"n_audio_layer", 1}, std::pair{"n_text_ctx", 10},
              std::pair{"n_text_state", 8}, std::pair{"n_text_head", 2},
              std::pair{"n_text_layer", 1}}) {
            dims.emplace_back(key, test::pickle::number(value));
        }
        folder_.write("in/tiny.pt",
                      test::pytorch_archive(
                          test::pickle::dict({{"dims", test::pickle::dict(dims)},
                                              {"model_state_dict", test::pickle::dict(entries)}}),
                          storages));
    }

    /// The parts that CTranslate2 keeps as one are put together again.
    void write_ctranslate2() const {
        std::vector<test::Array> arrays = test::tiny_whisper();
        for (const auto& [name, shape] : tensors()) {
            const FusedName place = ctranslate2_name(name);
            const test::Array part = test::ramp("", shape, first_of(name));
            for (test::Array& array : arrays) {
                if (array.name == place.name)
                    array.bytes.replace(part.bytes.size() * place.part, part.bytes.size(),
                                        part.bytes);
            }
        }
        folder_.write("in/model.bin", test::ctranslate2_file("WhisperSpec", arrays, {}));
        std::string lines;
        for (const std::string& token : kTokens) lines += token + "\n";
        folder_.write("in/vocabulary.txt", lines);
    }

    std::string convert(const std::string& input = "in") const {
        const auto done = convert_whisper(folder_ / input, folder_ / "out.gguf");
        return done ? "converted" : done.error().message;
    }

    test::ConvertedFile converted() const { return test::ConvertedFile(folder_ / "out.gguf"); }

    void expect_all() const {
        const auto file = converted();
        ASSERT_TRUE(file.is_open());
        EXPECT_EQ(file.word("general.architecture"), "whisper");
        EXPECT_EQ(file.number("whisper.d_model"), 8);
        EXPECT_EQ(file.number("whisper.num_mel_bins"), 80);
        EXPECT_EQ(file.number("whisper.decoder_attention_heads"), 2);
        EXPECT_EQ(file.number("whisper.encoder_ffn_dim"), 32);
        EXPECT_EQ(file.number("whisper.max_target_positions"), 10);
        EXPECT_EQ(file.number("whisper.preprocessor.hop_length"), 160);
        EXPECT_EQ(file.words("tokenizer.tokens"), kTokens);
        EXPECT_EQ(file.word("titans.source_sha256").size(), 64);
        const auto needed = tensors();
        EXPECT_EQ(file.tensors(), needed.size());
        for (const auto& [name, shape] : needed) {
            const auto expected = *to_f32(test::ramp("", shape, first_of(name)).view());
            EXPECT_EQ(file.values(name.c_str()), expected) << name;
        }
    }

    test::Folder folder_;
};

TEST_F(WhisperCheckpointTest, ReadsTransformersFolders) {
    for (const std::string prefix : {"model.", ""}) {
        write_transformers(prefix);
        ASSERT_EQ(convert(), "converted");
        expect_all();
    }
}

TEST_F(WhisperCheckpointTest, ReadsOpenAisFile) {
    write_openai();
    EXPECT_THAT(convert("in/tiny.pt"), HasSubstr("OpenAI's file has none; put tokenizer.json"));
    write_vocabulary();
    ASSERT_EQ(convert("in/tiny.pt"), "converted");
    expect_all();
    folder_.write("in/tiny.pt", test::pytorch_file({test::ramp("a", {1}, 0)}));
    EXPECT_EQ(convert("in/tiny.pt"),
              "tiny.pt: does not say n_audio_state, so it is not OpenAI's Whisper");
}

TEST_F(WhisperCheckpointTest, ReadsCtranslate2Folders) {
    write_ctranslate2();
    write("config.json",
          {{"alignment_heads", {{0, 1}}}, {"suppress_ids", {0, 2}}, {"suppress_ids_begin", {1}}});
    ASSERT_EQ(convert(), "converted");
    expect_all();
    EXPECT_THAT(converted().numbers("whisper.suppress_tokens"), ElementsAre(0, 2));
    EXPECT_THAT(converted().numbers("whisper.begin_suppress_tokens"), ElementsAre(1));
    EXPECT_THAT(converted().numbers("whisper.alignment_heads"), ElementsAre(0, 1));
    std::filesystem::rename(folder_ / "in/vocabulary.txt", folder_ / "elsewhere");
    EXPECT_EQ(convert(), "vocabulary.json: is missing");
    write("vocabulary.json", kTokens);
    ASSERT_EQ(convert(), "converted");
    expect_all();
}

TEST_F(WhisperCheckpointTest, RefusesQuantisedWeights) {
    write_ctranslate2();
    std::vector<test::Array> arrays = test::tiny_whisper();
    for (test::Array& array : arrays) {
        if (array.name == "encoder/conv1/weight") {
            array.dtype = Dtype::I16;
            array.bytes.resize(array.bytes.size() / 2);
        }
    }
    folder_.write("in/model.bin", test::ctranslate2_file("WhisperSpec", arrays, {}));
    EXPECT_EQ(convert(), "tensor encoder/conv1/weight: is not of a floating-point type");
}

TEST_F(WhisperCheckpointTest, GivesTheGenerationsSettingsTheLastWord) {
    write_transformers("model.");
    json config = kConfig;
    config["suppress_tokens"] = {6};
    config["begin_suppress_tokens"] = {5};
    write("config.json", config);
    write("generation_config.json",
          {{"suppress_tokens", json::array()}, {"alignment_heads", {{0, 0}, {0, 1}}}});
    ASSERT_EQ(convert(), "converted");
    EXPECT_FALSE(converted().has("whisper.suppress_tokens"));
    EXPECT_THAT(converted().numbers("whisper.begin_suppress_tokens"), ElementsAre(5));
    EXPECT_THAT(converted().numbers("whisper.alignment_heads"), ElementsAre(0, 0, 0, 1));
    write("generation_config.json", {{"alignment_heads", {{1, 0}}}});
    EXPECT_THAT(convert(), HasSubstr("alignment_heads"));
    write("generation_config.json", {{"suppress_tokens", {7}}});
    EXPECT_THAT(convert(), HasSubstr("suppress_tokens"));
}

TEST_F(WhisperCheckpointTest, ReadsTheFastTokenizersFile) {
    write_transformers("model.");
    json added = json::array();
    for (int id = 2; id < 7; ++id) added.push_back({{"id", id}, {"content", kTokens[id]}});
    write("tokenizer.json",
          {{"model", {{"vocab", {{"a", 0}, {"Ġb", 1}}}}}, {"added_tokens", added}});
    std::filesystem::remove(folder_ / "in/vocab.json");
    ASSERT_EQ(convert(), "converted");
    expect_all();
    write("tokenizer.json", {{"model", {{"vocab", {{{"a", 0}}}}}}});
    EXPECT_THAT(convert(), HasSubstr("tokenizer.json: is not a list of numbered tokens"));
}

TEST_F(WhisperCheckpointTest, RefusesVocabulariesWithoutWhatDecodingNeeds) {
    write_transformers("model.");
    write("added_tokens.json", {{"<|startoftranscript|>", 3}, {"<|notimestamps|>", 5}});
    EXPECT_THAT(convert(), HasSubstr("no token of number 4"));
    write("added_tokens.json", {{"<|startoftranscript|>", 3}, {"x", 4}});
    EXPECT_THAT(convert(), HasSubstr("the vocabulary has no <|notimestamps|>"));
    write("added_tokens.json", {{"<|startoftranscript|>", 3}, {"<|notimestamps|>", 4}, {"x", 5}});
    EXPECT_THAT(convert(), HasSubstr("has not <|0.00|> where it belongs"));
    write("added_tokens.json", {{"<|startoftranscript|>", 3}, {"<|notimestamps|>", 9}});
    EXPECT_THAT(convert(), HasSubstr("the vocabulary has no <|notimestamps|>"));
}

TEST_F(WhisperCheckpointTest, RefusesConfigurationsThatDoNotHold) {
    write_transformers("model.");
    const auto with = [&](const std::string& key, const json& value) {
        json config = kConfig;
        config[key] = value;
        write("config.json", config);
        return convert();
    };
    EXPECT_THAT(with("model_type", "bart"), HasSubstr("model_type is not whisper"));
    EXPECT_THAT(with("d_model", 7), HasSubstr("do not share d_model"));
    EXPECT_THAT(with("decoder_attention_heads", 3), HasSubstr("do not share d_model"));
    EXPECT_THAT(with("encoder_layers", 65), HasSubstr("encoder_layers"));
    EXPECT_THAT(with("vocab_size", -1), HasSubstr("vocab_size"));
    EXPECT_THAT(with("activation_function", "relu"), HasSubstr("activation_function"));
    EXPECT_THAT(with("scale_embedding", true), HasSubstr("scale_embedding is set"));
    EXPECT_THAT(with("tie_word_embeddings", false), HasSubstr("tie_word_embeddings"));
    EXPECT_THAT(with("encoder_layers", 2), HasSubstr("encoder.layers.1"));
    EXPECT_EQ(with("scale_embedding", false), "converted");
    write("preprocessor_config.json", {{"feature_size", 128}});
    EXPECT_THAT(with("scale_embedding", false), HasSubstr("feature_size"));
}

}  // namespace
}  // namespace titans::checkpoint
