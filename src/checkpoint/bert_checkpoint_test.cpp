#include "checkpoint/bert_checkpoint.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "checkpoint/converted_file_for_test.h"
#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using nlohmann::json;
using testing::HasSubstr;

/// The sizes of test::tiny_bert().
const json kConfig{
    {"model_type", "bert"},         {"vocab_size", 7},          {"hidden_size", 8},
    {"num_hidden_layers", 1},       {"num_attention_heads", 2}, {"intermediate_size", 16},
    {"max_position_embeddings", 6}, {"type_vocab_size", 2},     {"layer_norm_eps", 1e-12}};

class BertCheckpointTest : public testing::Test {
protected:
    BertCheckpointTest() {
        write("config.json", kConfig);
        std::string lines;
        for (const std::string& piece : test::kTinyBertPieces) lines += piece + "\n";
        folder_.write("in/vocab.txt", lines);
    }

    void write(const std::string& name, const json& content) const {
        folder_.write("in/" + name, content.dump());
    }

    std::string convert() const {
        folder_.write("in/model.safetensors", test::safetensors_file(arrays_));
        const auto done = convert_bert(folder_ / "in", folder_ / "out.gguf");
        return done ? "converted" : done.error().message;
    }

    test::ConvertedFile converted() const { return test::ConvertedFile(folder_ / "out.gguf"); }

    test::Folder folder_;
    std::vector<test::Array> arrays_ = test::tiny_bert();
};

TEST_F(BertCheckpointTest, WritesWhatTheNetworkNeeds) {
    ASSERT_EQ(convert(), "converted");
    const auto file = converted();
    ASSERT_TRUE(file.is_open());
    EXPECT_EQ(file.word("general.architecture"), "bert");
    EXPECT_EQ(file.number("bert.hidden_size"), 8);
    EXPECT_FLOAT_EQ(file.fraction("bert.layer_norm_eps"), 1e-12F);
    EXPECT_EQ(file.words("tokenizer.tokens"), test::kTinyBertPieces);
    EXPECT_EQ(file.tensors(), arrays_.size());
    for (const test::Array& array : arrays_)
        EXPECT_EQ(file.values(array.name.c_str()), *to_f32(array.view())) << array.name;
}

TEST_F(BertCheckpointTest, TakesWhatTheReferenceDoesWhereNothingIsSaid) {
    ASSERT_EQ(convert(), "converted");
    const auto file = converted();
    EXPECT_EQ(file.word("bert.pooling"), "mean");
    EXPECT_FALSE(file.truth("bert.normalize"));
    EXPECT_EQ(file.number("bert.max_seq_length"), 6);
    EXPECT_TRUE(file.truth("bert.do_lower_case"));
    EXPECT_TRUE(file.truth("bert.strip_accents"));
    EXPECT_TRUE(file.truth("bert.tokenize_chinese_chars"));
}

TEST_F(BertCheckpointTest, TakesWhatTheSentenceEncoderSays) {
    write("modules.json",
          json::array(
              {{{"path", ""}, {"type", "sentence_transformers.models.Transformer"}},
               {{"path", "1_Pooling"}, {"type", "sentence_transformers.models.Pooling"}},
               {{"path", "2_Normalize"}, {"type", "sentence_transformers.models.Normalize"}}}));
    write("1_Pooling/config.json",
          {{"pooling_mode_cls_token", true}, {"pooling_mode_mean_tokens", false}});
    write("sentence_bert_config.json", {{"max_seq_length", 5}, {"do_lower_case", false}});
    write("tokenizer_config.json",
          {{"do_lower_case", false}, {"strip_accents", nullptr}, {"model_max_length", 4}});
    ASSERT_EQ(convert(), "converted");
    const auto file = converted();
    EXPECT_EQ(file.word("bert.pooling"), "cls");
    EXPECT_TRUE(file.truth("bert.normalize"));
    EXPECT_EQ(file.number("bert.max_seq_length"), 5);
    EXPECT_FALSE(file.truth("bert.do_lower_case"));
    EXPECT_FALSE(file.truth("bert.strip_accents"));
}

TEST_F(BertCheckpointTest, TakesWhatIsToBeWrittenBeforeTexts) {
    ASSERT_EQ(convert(), "converted");
    EXPECT_FALSE(converted().has("bert.prompt.query"));
    write("config_sentence_transformers.json",
          {{"prompts", {{"query", "query: "}, {"document", ""}, {"passage", "passage: "}}}});
    ASSERT_EQ(convert(), "converted");
    EXPECT_EQ(converted().word("bert.prompt.query"), "query: ");
    EXPECT_EQ(converted().word("bert.prompt.passage"), "passage: ");
    for (const json& odd : {json(), json("query"), json{{"query", 7}}, json{{"query", ""}}}) {
        write("config_sentence_transformers.json", {{"prompts", odd}});
        ASSERT_EQ(convert(), "converted");
        EXPECT_FALSE(converted().has("bert.prompt.query"));
    }
}

TEST_F(BertCheckpointTest, TakesTheTokenizersWordWhereTheOthersHaveNone) {
    write("sentence_bert_config.json", {{"max_seq_length", nullptr}});
    write("tokenizer_config.json", {{"model_max_length", 4}, {"strip_accents", true}});
    write("tokenizer.json", {{"normalizer",
                              {{"type", "BertNormalizer"},
                               {"lowercase", false},
                               {"strip_accents", false},
                               {"handle_chinese_chars", false}}}});
    ASSERT_EQ(convert(), "converted");
    EXPECT_EQ(converted().number("bert.max_seq_length"), 4);
    EXPECT_FALSE(converted().truth("bert.do_lower_case"));
    EXPECT_TRUE(converted().truth("bert.strip_accents"));
    EXPECT_FALSE(converted().truth("bert.tokenize_chinese_chars"));
    write("tokenizer_config.json", {{"model_max_length", 1e30}});
    ASSERT_EQ(convert(), "converted");
    EXPECT_EQ(converted().number("bert.max_seq_length"), 6);
}

TEST_F(BertCheckpointTest, KnowsOlderAndLongerNames) {
    for (test::Array& array : arrays_) {
        array.name = "bert." + array.name;
        const std::size_t norm = array.name.find("LayerNorm.");
        if (norm != std::string::npos)
            array.name.replace(norm + 10, std::string::npos,
                               array.name.ends_with("weight") ? "gamma" : "beta");
    }
    const auto gamma = *to_f32(arrays_[3].view());
    arrays_.push_back(test::ramp("bert.pooler.dense.weight", {8, 8}, 0));
    arrays_.push_back(test::ramp("cls.predictions.bias", {7}, 0));
    arrays_.push_back(test::ramp("bert.embeddings.position_ids", {1, 6}, 0));
    ASSERT_EQ(convert(), "converted");
    EXPECT_EQ(converted().values("embeddings.LayerNorm.weight"), gamma);
}

TEST_F(BertCheckpointTest, RefusesWhatItCannotCompute) {
    const auto with = [&](const std::string& key, const json& value) {
        json config = kConfig;
        config[key] = value;
        write("config.json", config);
        return convert();
    };
    EXPECT_THAT(with("model_type", "xlm-roberta"), HasSubstr("model_type is not bert"));
    EXPECT_THAT(with("model_type", "mpnet"), HasSubstr("model_type is not bert"));
    EXPECT_THAT(with("hidden_act", "gelu_new"), HasSubstr("hidden_act"));
    EXPECT_THAT(with("position_embedding_type", "relative_key"),
                HasSubstr("position_embedding_type"));
    EXPECT_THAT(with("is_decoder", true), HasSubstr("is_decoder"));
    EXPECT_THAT(with("num_attention_heads", 3), HasSubstr("do not share hidden_size"));
    EXPECT_THAT(with("hidden_size", nullptr), HasSubstr("hidden_size"));
    EXPECT_THAT(with("layer_norm_eps", "small"), HasSubstr("layer_norm_eps"));
    EXPECT_THAT(with("num_hidden_layers", 2), HasSubstr("encoder.layer.1"));
    EXPECT_EQ(with("hidden_act", "gelu"), "converted");
    arrays_.push_back(test::ramp("encoder.layer.1.output.dense.bias", {8}, 0));
    EXPECT_THAT(convert(), HasSubstr("is not of this kind of network"));
}

TEST_F(BertCheckpointTest, RefusesModulesThatItCannotCompute) {
    const auto with = [&](const json& modules) {
        write("modules.json", modules);
        return convert();
    };
    const auto module = [](const char* path, const char* type) {
        return json::array({{{"path", path}, {"type", type}}});
    };
    EXPECT_THAT(with(module("2_Dense", "sentence_transformers.models.Dense")),
                HasSubstr("modules.json: has a module that is not supported"));
    for (const char* const path : {"../x", "/etc", "a/b", "..", ""}) {
        EXPECT_THAT(with(module(path, "sentence_transformers.models.Pooling")),
                    HasSubstr("outside its own"));
    }
    EXPECT_THAT(with("text"), HasSubstr("is not a list"));
    EXPECT_THAT(with({1}), HasSubstr("without type or path"));
    EXPECT_EQ(with(module("1_Pooling", "sentence_transformers.models.Pooling")), "converted");
    write("1_Pooling/config.json",
          {{"pooling_mode_mean_tokens", true}, {"pooling_mode_max_tokens", true}});
    EXPECT_THAT(convert(), HasSubstr("neither the mean nor the first token"));
    write("1_Pooling/config.json", {{"pooling_mode_lasttoken", true}});
    EXPECT_THAT(convert(), HasSubstr("neither the mean nor the first token"));
    std::filesystem::remove(folder_ / "in/1_Pooling/config.json");
    write("sentence_bert_config.json", {{"max_seq_length", 7}});
    EXPECT_THAT(convert(), HasSubstr("max_seq_length"));
}

TEST_F(BertCheckpointTest, RefusesVocabulariesThatAreNotTheModels) {
    const auto with = [&](std::string_view lines) {
        folder_.write("in/vocab.txt", lines);
        return convert();
    };
    EXPECT_THAT(with("[PAD]\n[UNK]\n[CLS]\n"), HasSubstr("has no [SEP]"));
    EXPECT_THAT(with("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\na\n"), HasSubstr("vocab.txt: has two"));
    EXPECT_THAT(with("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\nb\nc\nd\n"), HasSubstr("more tokens"));
    EXPECT_EQ(with("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n"), "converted");  // rows may be spare
}

}  // namespace
}  // namespace titans::checkpoint
