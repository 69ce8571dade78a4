#include "checkpoint/f5tts_checkpoint.h"

#include <gmock/gmock.h>

#include "checkpoint/converted_file_for_test.h"
#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr F5ttsSizes kSizes{.dim = 64,
                            .depth = 2,
                            .ff_mult = 2,
                            .text_dim = 4,
                            .conv_layers = 1,
                            .mel_dim = 3,
                            .text_num_embeds = 4};

class F5ttsCheckpointTest : public testing::Test {
protected:
    F5ttsCheckpointTest() {
        folder_.write("in/vocab.txt", " \r\na\r\nb\r\nzh1\r\n");
        set_tensors("ema_model.transformer.");
        arrays_.push_back({.name = "initted", .dtype = Dtype::F32, .shape = {1}, .bytes = "1234"});
        arrays_.push_back(test::ramp("ema_model.mel_spec.mel_stft.mel_scale.fb", {5, 3}, 0));
        arrays_.push_back(test::ramp("ema_model.transformer.rotary_embed.inv_freq", {32}, 0));
    }

    void set_tensors(const std::string& prefix) {
        arrays_.clear();
        int first = 0;
        for (const auto& [name, shape] : f5tts_tensors(kSizes))
            arrays_.push_back(test::ramp(prefix + name, shape, first += 7));
    }

    test::Array& array(std::string_view end) {
        return *std::ranges::find_if(arrays_,
                                     [&](const auto& one) { return one.name.ends_with(end); });
    }

    void resize(std::string_view end, const Shape& shape) {
        test::Array& one = array(end);
        one = test::ramp(one.name, shape, 0);
    }

    std::string convert(F5ttsVariant variant = F5ttsVariant::V1Base) const {
        folder_.write("in/model_7.safetensors", test::safetensors_file(arrays_));
        return convert_folder(variant);
    }

    std::string convert_folder(F5ttsVariant variant = F5ttsVariant::V1Base) const {
        const auto done = convert_f5tts(variant, folder_ / "in", folder_ / "out.gguf");
        return done ? "converted" : done.error().message;
    }

    test::ConvertedFile converted() const { return test::ConvertedFile(folder_ / "out.gguf"); }

    test::Folder folder_;
    std::vector<test::Array> arrays_;
};

TEST_F(F5ttsCheckpointTest, WritesWhatTheNetworkNeeds) {
    ASSERT_EQ(convert(), "converted");
    const auto file = converted();
    ASSERT_TRUE(file.is_open());
    EXPECT_EQ(file.word("general.architecture"), "f5tts");
    EXPECT_EQ(file.word("titans.source_sha256").size(), 64);
    EXPECT_EQ(file.number("f5tts.dim"), 64);
    EXPECT_EQ(file.number("f5tts.depth"), 2);
    EXPECT_EQ(file.number("f5tts.heads"), 1);
    EXPECT_EQ(file.number("f5tts.ff_mult"), 2);
    EXPECT_EQ(file.number("f5tts.text_dim"), 4);
    EXPECT_EQ(file.number("f5tts.conv_layers"), 1);
    EXPECT_EQ(file.number("f5tts.mel_dim"), 3);
    EXPECT_EQ(file.number("f5tts.text_num_embeds"), 4);
    EXPECT_TRUE(file.truth("f5tts.text_mask_padding"));
    EXPECT_EQ(file.number("f5tts.pe_attn_head"), 0);
    EXPECT_THAT(file.words("tokenizer.tokens"), ElementsAre(" ", "a", "b", "zh1"));
    EXPECT_EQ(file.tensors(), f5tts_tensors(kSizes).size());
    EXPECT_EQ(file.values("text_embed.text_embed.weight").size(), 5 * 4);
    EXPECT_THAT(file.values("proj_out.bias"),
                ElementsAre(7 * f5tts_tensors(kSizes).size(), testing::_, testing::_));
}

TEST_F(F5ttsCheckpointTest, TellsTheOlderNetworkByTheWord) {
    ASSERT_EQ(convert(F5ttsVariant::Base), "converted");
    EXPECT_FALSE(converted().truth("f5tts.text_mask_padding"));
    EXPECT_EQ(converted().number("f5tts.pe_attn_head"), 1);
}

TEST_F(F5ttsCheckpointTest, FindsTheNetworkUnderEachNameThatTrainingsGiveIt) {
    ASSERT_EQ(convert(), "converted");
    const auto values = converted().values("proj_out.weight");
    set_tensors("transformer.");
    ASSERT_EQ(convert(), "converted");
    EXPECT_EQ(converted().values("proj_out.weight"), values);

    std::filesystem::remove(folder_ / "in/model_7.safetensors");
    set_tensors("ema_model_state_dict.ema_model.transformer.");
    const auto averaged = arrays_;
    set_tensors("model_state_dict.transformer.");
    folder_.write("in/model_last.pt", test::pytorch_file(arrays_));
    ASSERT_EQ(convert_folder(), "converted");
    EXPECT_EQ(converted().values("proj_out.weight"), values);

    // Of both, the averaged weights count; the optimizer's are nobody's.
    for (test::Array& one : arrays_) one = test::ramp(one.name, one.shape, 1000);
    arrays_.append_range(averaged);
    arrays_.push_back(test::ramp("optimizer_state_dict.state.0.exp_avg", {2}, 0));
    folder_.write("in/model_last.pt", test::pytorch_file(arrays_));
    ASSERT_EQ(convert_folder(), "converted");
    EXPECT_EQ(converted().values("proj_out.weight"), values);
}

TEST_F(F5ttsCheckpointTest, TakesTheOneCheckpointThatIsMeant) {
    std::filesystem::create_directories(folder_ / "in");
    EXPECT_EQ(convert_folder(), "model_*.safetensors: is missing");
    folder_.write("in/mine.safetensors", test::safetensors_file(arrays_));
    EXPECT_EQ(convert_folder(), "converted");
    folder_.write("in/other.safetensors", "{}");
    EXPECT_THAT(convert_folder(), HasSubstr("other.safetensors: which one is meant?"));
    EXPECT_EQ(convert(), "converted");  // model_7 beside the two
    folder_.write("in/model_8.safetensors", "{}");
    EXPECT_THAT(convert_folder(), HasSubstr("other.safetensors: which one is meant?"));
}

TEST_F(F5ttsCheckpointTest, RefusesVocabulariesThatAreNotTheModels) {
    folder_.write("in/vocab.txt", " \na\nb\n");
    EXPECT_EQ(convert(), "vocab.txt: has 3 lines, and the network has 4 tokens");
    folder_.write("in/vocab.txt", " \na\nb\nzh1\nc\n");
    EXPECT_EQ(convert(), "vocab.txt: has 5 lines, and the network has 4 tokens");
    folder_.write("in/vocab.txt", "");
    EXPECT_THAT(convert(), HasSubstr("vocab.txt: has 0 lines"));
    std::filesystem::remove(folder_ / "in/vocab.txt");
    EXPECT_EQ(convert(), "vocab.txt: is missing");
}

TEST_F(F5ttsCheckpointTest, RefusesOtherShapes) {
    const auto complete = arrays_;
    const auto refuse = [&](std::string_view end, const Shape& shape) {
        arrays_ = complete;
        resize(end, shape);
        return convert();
    };
    EXPECT_THAT(refuse("blocks.1.attn.to_q.weight", {64, 32}),
                HasSubstr("blocks.1.attn.to_q.weight: its shape is [64, 32], not [64, 64]"));
    EXPECT_THAT(refuse("input_embed.proj.weight", {64, 11}), HasSubstr("not [64, 10]"));
    EXPECT_THAT(refuse("time_mlp.2.weight", {100, 64}), HasSubstr("do not go together"));
    EXPECT_THAT(refuse("time_mlp.2.weight", {64}), HasSubstr("shape [64] is not of F5-TTS"));
    EXPECT_THAT(refuse("blocks.0.ff.ff.0.0.weight", {100, 64}), HasSubstr("do not go together"));
    EXPECT_THAT(refuse("text_embed.text_embed.weight", {5, 1}), HasSubstr("is not of F5-TTS"));
    EXPECT_THAT(refuse("text_embed.text_embed.weight", {1, 4}), HasSubstr("is not of F5-TTS"));
    EXPECT_THAT(refuse("proj_out.weight", {3, 64, 1}), HasSubstr("is not of F5-TTS"));
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.gguf"));
    EXPECT_EQ(folder_.entries(), 1);
}

TEST_F(F5ttsCheckpointTest, RefusesOtherNetworks) {
    const auto complete = arrays_;
    const auto with = [&](const std::string& name) {
        arrays_ = complete;
        arrays_.push_back(test::ramp("ema_model.transformer." + name, {64}, 0));
        return convert();
    };
    EXPECT_THAT(with("transformer_blocks.96.attn.to_q.bias"), HasSubstr("more than 96 blocks"));
    EXPECT_THAT(with("transformer_blocks.99999999999.attn.to_q.bias"),
                HasSubstr("more than 96 blocks"));
    EXPECT_THAT(with("transformer_blocks.-1.attn.to_q.bias"), HasSubstr("or none"));
    EXPECT_THAT(with("transformer_blocks.x"), HasSubstr("or none"));
    EXPECT_THAT(with("transformer_blocks.3.attn.to_q.bias"), HasSubstr("blocks.2."));
    EXPECT_THAT(with("transformer_blocks.0.attn.q_norm.weight"),
                HasSubstr("q_norm.weight: is not of this kind of network"));
    EXPECT_THAT(with("long_skip_connection.weight"), HasSubstr("is not of this kind"));
    arrays_ = complete;
    std::erase_if(arrays_, [](const auto& one) { return one.name.contains("text_blocks"); });
    EXPECT_THAT(convert(), HasSubstr("text_blocks.0: is missing"));
    arrays_ = complete;
    std::erase_if(arrays_, [](const auto& one) { return one.name.contains("time_embed"); });
    EXPECT_EQ(convert(), "the checkpoint is not of F5-TTS");
}

}  // namespace
}  // namespace titans::checkpoint
