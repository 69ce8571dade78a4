#include "checkpoint/whisper_ggml_writer.h"

#include <ggml.h>
#include <gmock/gmock.h>

#include <map>

#include "checkpoint/mel_filters.h"
#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;

struct Written {
    std::vector<std::int32_t> sizes;  // the magic and the eleven that follow
    std::vector<float> filters;
    std::vector<std::string> words;
    struct Tensor {
        std::vector<std::int32_t> axes;  // fastest first
        ggml_type type;
        std::vector<float> values;
    };
    std::map<std::string, Tensor> tensors;
};

/// Reads the format as libwhisper does.
Written read_ggml(const std::string& file) {
    std::size_t place = 0;
    const auto take = [&](std::size_t size) {
        const std::string taken = file.substr(place, size);
        EXPECT_EQ(taken.size(), size);
        place += size;
        return taken;
    };
    const auto number = [&] {
        std::int32_t value = 0;
        std::memcpy(&value, take(4).data(), 4);
        return value;
    };
    const auto floats = [&](int count, ggml_type type) {
        const Dtype dtype = type == GGML_TYPE_F16 ? Dtype::F16 : Dtype::F32;
        const std::string bytes = take(count * size_of(dtype));
        return *to_f32(
            {.name = "", .dtype = dtype, .shape = {count}, .bytes = test::bytes_of(bytes)});
    };
    Written written;
    for (int i = 0; i < 12; ++i) written.sizes.push_back(number());
    const int mels = number();
    const int bins = number();
    written.filters = floats(mels * bins, GGML_TYPE_F32);
    const int words = number();
    for (int i = 0; i < words; ++i) written.words.push_back(take(number()));
    while (place < file.size() && !testing::Test::HasFailure()) {
        Written::Tensor tensor;
        const int rank = number();
        const int name_length = number();
        tensor.type = static_cast<ggml_type>(number());
        int count = 1;
        for (int i = 0; i < rank; ++i) count *= tensor.axes.emplace_back(number());
        const std::string name = take(name_length);
        tensor.values = floats(count, tensor.type);
        EXPECT_TRUE(written.tensors.emplace(name, std::move(tensor)).second) << name;
    }
    return written;
}

class WhisperGgmlWriter : public testing::Test {
protected:
    Result<void> write(const std::vector<std::string>& tokens = test::kTinyWhisperTokens) {
        Ctranslate2Model model{.spec = "WhisperSpec", .revision = 3, .tensors = {}};
        for (const test::Array& array : arrays_) EXPECT_TRUE(model.tensors.add(array.view()));
        std::FILE* const out = std::fopen((folder_ / "out").c_str(), "wb");
        auto result = write_whisper_ggml(model, tokens, out);
        (void)std::fclose(out);
        return result;
    }

    test::Array& array(std::string_view name) {
        return *std::ranges::find(arrays_, name, &test::Array::name);
    }

    std::vector<float> values(std::string_view name) { return *to_f32(array(name).view()); }

    test::Folder folder_;
    std::vector<test::Array> arrays_ = test::tiny_whisper();
};

TEST_F(WhisperGgmlWriter, WritesSizesFiltersAndWords) {
    ASSERT_TRUE(write());
    const Written written = read_ggml(test::read(folder_ / "out"));
    EXPECT_THAT(written.sizes, ElementsAre(0x67676d6c, 6, 12, 8, 2, 1, 10, 8, 2, 1, 80, 1));
    EXPECT_EQ(written.filters, slaney_mel_filters(80, 400, SampleRate{16000}));
    EXPECT_THAT(written.words, ElementsAre("a", " b", "\n", "é"));
}

TEST_F(WhisperGgmlWriter, WritesEachTensorOnceInTheTypeThatLibwhisperExpects) {
    ASSERT_TRUE(write());
    const Written written = read_ggml(test::read(folder_ / "out"));
    // 9 of the encoder's ends and 5 of the decoder's; 15 of a layer, 24 of one that also attends to
    // the encoder.
    EXPECT_EQ(written.tensors.size(), 7 + 15 + 4 + 24);
    for (const auto& [name, tensor] : written.tensors) {
        const bool is_matrix = name.ends_with(".weight") && !name.contains("ln");
        EXPECT_EQ(tensor.type, is_matrix ? GGML_TYPE_F16 : GGML_TYPE_F32) << name;
    }
    EXPECT_THAT(written.tensors.at("encoder.conv1.weight").axes, ElementsAre(3, 80, 8));
    EXPECT_THAT(written.tensors.at("encoder.conv1.bias").axes, ElementsAre(1, 8));
    EXPECT_THAT(written.tensors.at("encoder.blocks.0.mlp.0.weight").axes, ElementsAre(8, 32));
    EXPECT_THAT(written.tensors.at("decoder.token_embedding.weight").axes, ElementsAre(8, 6));
    EXPECT_EQ(written.tensors.at("encoder.conv1.weight").values, values("encoder/conv1/weight"));
    EXPECT_EQ(written.tensors.at("decoder.ln.bias").values, values("decoder/layer_norm/beta"));
    EXPECT_EQ(written.tensors.at("decoder.blocks.0.mlp_ln.weight").values,
              values("decoder/layer_0/ffn/layer_norm/gamma"));
}

TEST_F(WhisperGgmlWriter, SplitsWhatAttentionStoresAsOne) {
    ASSERT_TRUE(write());
    const Written written = read_ggml(test::read(folder_ / "out"));
    const auto joined = [&](std::initializer_list<const char*> names) {
        std::vector<float> all;
        for (const std::string name : names)
            all.append_range(written.tensors.at("decoder.blocks.0." + name).values);
        return all;
    };
    EXPECT_EQ(joined({"attn.query.weight", "attn.key.weight", "attn.value.weight"}),
              values("decoder/layer_0/self_attention/linear_0/weight"));
    EXPECT_EQ(joined({"cross_attn.key.weight", "cross_attn.value.weight"}),
              values("decoder/layer_0/attention/linear_1/weight"));
    const std::vector<float> bias = values("decoder/layer_0/self_attention/linear_0/bias");
    EXPECT_EQ(joined({"attn.query.bias"}), std::vector(bias.begin(), bias.begin() + 8));
    EXPECT_EQ(joined({"attn.value.bias"}), std::vector(bias.begin() + 16, bias.end()));
    EXPECT_FALSE(written.tensors.contains("decoder.blocks.0.attn.key.bias"));
    EXPECT_FALSE(written.tensors.contains("decoder.blocks.0.cross_attn.key.bias"));
}

TEST_F(WhisperGgmlWriter, RefusesAModelThatLacksATensorOrHasItInAnotherShape) {
    array("decoder/layer_0/ffn/linear_1/bias").name = "elsewhere";
    EXPECT_EQ(write().error().message, "tensor decoder/layer_0/ffn/linear_1/bias: is missing");
    arrays_ = test::tiny_whisper();
    array("encoder/layer_0/self_attention/linear_0/weight").shape = {8, 24};
    EXPECT_EQ(
        write().error().message,
        "tensor encoder/layer_0/self_attention/linear_0/weight: its shape is [8, 24], not [24, 8]");
}

TEST_F(WhisperGgmlWriter, RefusesSizesThatDoNotAgree) {
    array("encoder/num_heads").bytes = test::raw(std::int16_t{3});
    EXPECT_EQ(write().error().message, "the heads do not share the width");
    array("encoder/num_heads").bytes = test::raw(std::int16_t{0});
    EXPECT_FALSE(write());
    arrays_ = test::tiny_whisper();
    array("encoder/layer_0/self_attention/linear_0/weight").name = "elsewhere";
    EXPECT_EQ(write().error().message, "has no layers");
}

TEST_F(WhisperGgmlWriter, RefusesQuantisedWeights) {
    test::Array& weight = array("encoder/layer_0/ffn/linear_0/weight");
    weight.dtype = Dtype::I8;
    weight.bytes.resize(32 * 8);
    EXPECT_EQ(write().error().kind, ErrorKind::Unsupported);
}

TEST_F(WhisperGgmlWriter, RefusesAVocabularyThatIsNotTheModels) {
    EXPECT_FALSE(write({"a", "<|endoftext|>"}));
    EXPECT_FALSE(write({"a", "b", "c", "d", "e", "f"}));
    EXPECT_FALSE(write({"a", "b c", "c", "d", "<|endoftext|>", "f"}));   // a space is written Ġ
    EXPECT_FALSE(write({"a", "\xc4", "c", "d", "<|endoftext|>", "f"}));  // half a character
    EXPECT_TRUE(write({"a", "", "c", "d", "<|endoftext|>", "f"}));
}

}  // namespace
}  // namespace titans::checkpoint
