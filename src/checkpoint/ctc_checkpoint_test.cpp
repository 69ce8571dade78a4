#include "checkpoint/ctc_checkpoint.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "checkpoint/converted_file_for_test.h"
#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::HasSubstr;

const json kConfig{{"model_type", "wav2vec2"},
                   {"vocab_size", 5},
                   {"hidden_size", 8},
                   {"num_hidden_layers", 1},
                   {"num_attention_heads", 2},
                   {"intermediate_size", 16},
                   {"conv_dim", {4, 4}},
                   {"conv_kernel", {10, 3}},
                   {"conv_stride", {5, 2}},
                   {"num_conv_pos_embeddings", 4},
                   {"num_conv_pos_embedding_groups", 2}};

enum class Spelling : std::uint8_t { Old, New, Folded };

class CtcCheckpointTest : public testing::Test {
protected:
    CtcCheckpointTest() {
        write("config.json", kConfig);
        write("vocab.json", {{"<pad>", 0}, {"<unk>", 1}, {"|", 2}, {"A", 3}, {"B", 4}});
        set_tensors("wav2vec2", Spelling::New);
    }

    void write(const std::string& name, const json& content) const {
        folder_.write("in/" + name, content.dump());
    }

    /// All tensors of kConfig under `prefix`.
    void set_tensors(const std::string& family, Spelling spelling) {
        arrays_.clear();
        ModelFile file(family);
        int first = 0;
        for (const auto& [name, shape] : ctc_tensors(*read_ctc_config(kConfig, file))) {
            std::string whole = (name.starts_with("lm_head") ? "" : family + ".") + name;
            if (name.contains("pos_conv_embed.conv.weight") && spelling != Spelling::Folded) {
                const std::string conv = whole.substr(0, whole.size() - 6);
                const bool is_new = spelling == Spelling::New;
                arrays_.push_back(
                    test::ramp(conv + (is_new ? "parametrizations.weight.original0" : "weight_g"),
                               {1, 1, shape[2]}, 3));
                whole = conv + (is_new ? "parametrizations.weight.original1" : "weight_v");
            }
            arrays_.push_back(test::ramp(whole, shape, first += 7));
        }
        arrays_.push_back(test::ramp(family + ".masked_spec_embed", {8}, 0));
    }

    std::string convert() const {
        folder_.write("in/model.safetensors", test::safetensors_file(arrays_));
        const auto done = convert_ctc(folder_ / "in", folder_ / "out.gguf");
        return done ? "converted" : done.error().message;
    }

    std::string convert_with(const std::string& key, const json& value) const {
        json config = kConfig;
        config[key] = value;
        write("config.json", config);
        return convert();
    }

    test::ConvertedFile converted() const { return test::ConvertedFile(folder_ / "out.gguf"); }

    test::Folder folder_;
    std::vector<test::Array> arrays_;
};

TEST_F(CtcCheckpointTest, WritesWhatTheNetworkNeeds) {
    ASSERT_EQ(convert(), "converted");
    const auto file = converted();
    ASSERT_TRUE(file.is_open());
    EXPECT_EQ(file.word("general.architecture"), "wav2vec2");
    EXPECT_EQ(file.word("titans.source_sha256").size(), 64);
    EXPECT_EQ(file.number("wav2vec2.hidden_size"), 8);
    EXPECT_EQ(file.number("wav2vec2.num_hidden_layers"), 1);
    EXPECT_EQ(file.number("wav2vec2.pad_token_id"), 0);
    EXPECT_THAT(file.numbers("wav2vec2.conv_kernel"), ElementsAre(10, 3));
    EXPECT_EQ(file.word("wav2vec2.feat_extract_norm"), "group");
    EXPECT_FALSE(file.truth("wav2vec2.do_stable_layer_norm"));
    EXPECT_FLOAT_EQ(file.fraction("wav2vec2.layer_norm_eps"), 1e-5F);
    EXPECT_TRUE(file.truth("wav2vec2.preprocessor.do_normalize"));
    EXPECT_FALSE(file.truth("wav2vec2.preprocessor.return_attention_mask"));
    EXPECT_EQ(file.number("wav2vec2.preprocessor.sampling_rate"), 16000);
    EXPECT_THAT(file.words("tokenizer.tokens"), ElementsAre("<pad>", "<unk>", "|", "A", "B"));
    EXPECT_EQ(file.word("tokenizer.word_delimiter_token"), "|");
    EXPECT_EQ(file.word("tokenizer.pad_token"), "<pad>");
    EXPECT_FALSE(file.truth("tokenizer.do_lower_case"));
    EXPECT_EQ(file.values("lm_head.bias").size(), 5);
    EXPECT_EQ(file.values("feature_extractor.conv_layers.0.conv.weight").size(), 40);
    EXPECT_FALSE(file.has_tensor("masked_spec_embed"));
    EXPECT_FALSE(file.has_tensor("feature_extractor.conv_layers.1.layer_norm.weight"));
}

TEST_F(CtcCheckpointTest, FoldsWeightNormalisationOfBothSpellings) {
    ASSERT_EQ(convert(), "converted");
    const auto folded = converted().values("encoder.pos_conv_embed.conv.weight");
    ASSERT_EQ(folded.size(), 8 * 4 * 4);
    double squares = 0;  // of the second place in time, whose length is 4
    for (std::size_t i = 1; i < folded.size(); i += 4) squares += folded[i] * folded[i];
    EXPECT_NEAR(std::sqrt(squares), 4, 1e-5);
    set_tensors("wav2vec2", Spelling::Old);
    ASSERT_EQ(convert(), "converted");
    EXPECT_EQ(converted().values("encoder.pos_conv_embed.conv.weight"), folded);
    set_tensors("wav2vec2", Spelling::Folded);
    ASSERT_EQ(convert(), "converted");
    EXPECT_EQ(converted().values("encoder.pos_conv_embed.conv.weight").size(), folded.size());
}

TEST_F(CtcCheckpointTest, WritesTheSameFromPytorchFiles) {
    ASSERT_EQ(convert(), "converted");
    const auto values = converted().values("encoder.layers.0.attention.q_proj.weight");
    std::filesystem::remove(folder_ / "in/model.safetensors");
    folder_.write("in/pytorch_model.bin", test::pytorch_file(arrays_));
    const auto done = convert_ctc(folder_ / "in", folder_ / "out.gguf");
    ASSERT_TRUE(done) << done.error().message;
    EXPECT_EQ(converted().values("encoder.layers.0.attention.q_proj.weight"), values);
    EXPECT_EQ(values.size(), 64);
}

TEST_F(CtcCheckpointTest, ReadsHubert) {
    set_tensors("hubert", Spelling::New);
    EXPECT_EQ(convert_with("model_type", "hubert"), "converted");
    EXPECT_EQ(converted().word("general.architecture"), "hubert");
    EXPECT_TRUE(converted().truth("hubert.feat_proj_layer_norm"));
}

TEST_F(CtcCheckpointTest, TakesTheTokenizersAndPreprocessorsSettings) {
    write("vocab.json", {{"[PAD]", 0}, {"[UNK]", 1}, {"_", 2}, {"a", 3}});
    write("added_tokens.json", {{"b", 4}, {"<s>", 5}});  // one more than the model has
    write("tokenizer_config.json", {{"do_lower_case", true},
                                    {"word_delimiter_token", "_"},
                                    {"pad_token", "<other>"},
                                    {"unk_token", {{"content", "[UNK]"}}}});
    write("special_tokens_map.json", {{"pad_token", {{"content", "[PAD]"}, {"lstrip", true}}}});
    write("preprocessor_config.json", {{"do_normalize", false}, {"return_attention_mask", true}});
    ASSERT_EQ(convert(), "converted");
    const auto file = converted();
    EXPECT_THAT(file.words("tokenizer.tokens"), ElementsAre("[PAD]", "[UNK]", "_", "a", "b"));
    EXPECT_EQ(file.word("tokenizer.pad_token"), "[PAD]");
    EXPECT_EQ(file.word("tokenizer.unk_token"), "[UNK]");
    EXPECT_EQ(file.word("tokenizer.word_delimiter_token"), "_");
    EXPECT_TRUE(file.truth("tokenizer.do_lower_case"));
    EXPECT_FALSE(file.truth("wav2vec2.preprocessor.do_normalize"));
    EXPECT_TRUE(file.truth("wav2vec2.preprocessor.return_attention_mask"));
}

TEST_F(CtcCheckpointTest, RefusesConfigurationsThatDoNotHold) {
    EXPECT_THAT(convert_with("model_type", "whisper"), HasSubstr("neither wav2vec2 nor hubert"));
    EXPECT_THAT(convert_with("hidden_size", 0), HasSubstr("config.json: hidden_size"));
    EXPECT_THAT(convert_with("hidden_size", 1e99), HasSubstr("hidden_size"));
    EXPECT_THAT(convert_with("hidden_size", ~std::uint64_t{0}), HasSubstr("hidden_size"));
    EXPECT_THAT(convert_with("hidden_size", "8"), HasSubstr("hidden_size"));
    EXPECT_THAT(convert_with("num_attention_heads", 3), HasSubstr("do not share hidden_size"));
    EXPECT_THAT(convert_with("num_conv_pos_embedding_groups", 3),
                HasSubstr("do not share hidden_size"));
    EXPECT_THAT(convert_with("conv_kernel", {3}), HasSubstr("not as long as conv_dim"));
    EXPECT_THAT(convert_with("conv_stride", {0, 1}), HasSubstr("conv_stride"));
    EXPECT_THAT(convert_with("conv_dim", json::array()), HasSubstr("conv_dim"));
    EXPECT_THAT(convert_with("conv_dim", std::vector<int>(17, 1)), HasSubstr("conv_dim"));
    EXPECT_THAT(convert_with("hidden_act", "relu"), HasSubstr("hidden_act"));
    EXPECT_THAT(convert_with("feat_extract_norm", "batch"), HasSubstr("feat_extract_norm"));
    EXPECT_THAT(convert_with("layer_norm_eps", 0), HasSubstr("layer_norm_eps"));
    EXPECT_THAT(convert_with("conv_bias", 1), HasSubstr("conv_bias"));
    EXPECT_THAT(convert_with("pad_token_id", 5), HasSubstr("pad_token_id"));
    EXPECT_THAT(convert_with("add_adapter", true), HasSubstr("add_adapter is set"));
    EXPECT_THAT(convert_with("adapter_attn_dim", 16), HasSubstr("adapter_attn_dim is set"));
    EXPECT_EQ(convert_with("adapter_attn_dim", nullptr), "converted");
}

TEST_F(CtcCheckpointTest, RefusesVocabulariesThatAreNotTheModels) {
    write("vocab.json", {{"<pad>", 0}, {"<unk>", 1}, {"|", 2}, {"A", 3}});
    EXPECT_EQ(convert(), "vocab.json: has fewer tokens than the model");
    write("vocab.json", {{"<pad>", 0}, {"<unk>", 1}, {"|", 2}, {"A", 3}, {"B", 3}});
    EXPECT_THAT(convert(), HasSubstr("vocab.json: has two tokens of number 3"));
    write("vocab.json", {{"<pad>", 0}, {"<unk>", 1}, {"|", 2}, {"A", 4}, {"B", 5}});
    EXPECT_THAT(convert(), HasSubstr("no token of number 3"));
    write("vocab.json", {{"<pad>", 0}, {"<unk>", 1}, {" ", 2}, {"A", 3}, {"B", 4}});
    EXPECT_EQ(convert(), "vocab.json: has not the word_delimiter_token \"|\"");
    write("vocab.json", {{"eng", {{"A", 0}}}});
    EXPECT_THAT(convert(), HasSubstr("vocab.json: has a token whose number"));
    std::filesystem::remove(folder_ / "in/vocab.json");
    EXPECT_THAT(convert(), HasSubstr("vocabulary (vocab.json or vocab.txt) is missing"));
}

TEST_F(CtcCheckpointTest, RefusesTensorsThatAreMissingOfAnotherShapeOrTooMany) {
    const auto complete = arrays_;
    arrays_.erase(arrays_.begin());
    EXPECT_THAT(convert(), HasSubstr("feature_extractor.conv_layers.0.conv.weight: is missing"));
    arrays_ = complete;
    std::erase_if(arrays_, [](const auto& array) { return array.name.starts_with("lm_head"); });
    EXPECT_THAT(convert(), HasSubstr("was not trained to recognise speech"));
    arrays_ = complete;
    arrays_[0].shape = {4, 10, 1};
    EXPECT_THAT(convert(), HasSubstr("its shape is [4, 10, 1], not [4, 1, 10]"));
    arrays_ = complete;
    arrays_.push_back(test::ramp("wav2vec2.encoder.layers.0.adapter_layer.norm.weight", {8}, 0));
    EXPECT_THAT(convert(), HasSubstr("adapter_layer.norm.weight: is not of this kind of network"));
    arrays_.back().name = "wav2vec2.encoder.layers.1.layer_norm.weight";
    EXPECT_THAT(convert(), HasSubstr("is not of this kind of network"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.gguf"));
    EXPECT_EQ(folder_.entries(), 1);
}

}  // namespace
}  // namespace titans::checkpoint
