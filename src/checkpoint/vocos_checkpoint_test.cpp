#include "checkpoint/vocos_checkpoint.h"

#include <gmock/gmock.h>

#include "checkpoint/converted_file_for_test.h"
#include "checkpoint/test_pytorch.h"

namespace titans::checkpoint {
namespace {

using testing::HasSubstr;

constexpr VocosSizes kSizes{.bands = 3, .width = 4, .inner = 8, .layers = 2, .window = 16};

constexpr std::string_view kConfig = R"(feature_extractor:
  class_path: vocos.feature_extractors.MelSpectrogramFeatures
  init_args:
    sample_rate: 24000
    n_fft: 16
    hop_length: 4
    n_mels: 3
    padding: center

backbone:
  class_path: vocos.models.VocosBackbone
  init_args:
    input_channels: 3
    dim: 4
    intermediate_dim: 8
    num_layers: 2

head:
  class_path: vocos.heads.ISTFTHead
  init_args:
    dim: 4
    n_fft: 16
    hop_length: 4
    padding: center
)";

class VocosCheckpointTest : public testing::Test {
protected:
    VocosCheckpointTest() {
        folder_.write("in/config.yaml", kConfig);
        int first = 0;
        for (const auto& [name, shape] : vocos_tensors(kSizes))
            arrays_.push_back(test::ramp(name, shape, first += 7));
        arrays_.push_back(test::ramp("feature_extractor.mel_spec.mel_scale.fb", {9, 3}, 0));
        arrays_.push_back(test::ramp("head.istft.window", {16}, 0));
    }

    std::string convert() const {
        folder_.write("in/pytorch_model.bin", test::pytorch_file(arrays_));
        return convert_folder();
    }

    std::string convert_folder() const {
        const auto done = convert_vocos(folder_ / "in", folder_ / "out.gguf");
        return done ? "converted" : done.error().message;
    }

    /// With `from` in config.yaml replaced by `to`, the first or the last of them.
    std::string convert_with(std::string_view from, std::string_view to, bool last = false) const {
        std::string config(kConfig);
        config.replace(last ? config.rfind(from) : config.find(from), from.size(), to);
        folder_.write("in/config.yaml", config);
        return convert();
    }

    test::ConvertedFile converted() const { return test::ConvertedFile(folder_ / "out.gguf"); }

    test::Folder folder_;
    std::vector<test::Array> arrays_;
};

TEST_F(VocosCheckpointTest, WritesWhatTheNetworkNeeds) {
    ASSERT_EQ(convert(), "converted");
    const auto file = converted();
    ASSERT_TRUE(file.is_open());
    EXPECT_EQ(file.word("general.architecture"), "vocos");
    EXPECT_EQ(file.word("titans.source_sha256").size(), 64);
    EXPECT_EQ(file.number("vocos.n_mels"), 3);
    EXPECT_EQ(file.number("vocos.dim"), 4);
    EXPECT_EQ(file.number("vocos.intermediate_dim"), 8);
    EXPECT_EQ(file.number("vocos.num_layers"), 2);
    EXPECT_EQ(file.number("vocos.n_fft"), 16);
    EXPECT_EQ(file.number("vocos.hop_length"), 4);
    EXPECT_EQ(file.number("vocos.sample_rate"), 24000);
    EXPECT_EQ(file.word("vocos.padding"), "center");
    EXPECT_EQ(file.tensors(), vocos_tensors(kSizes).size());
    EXPECT_EQ(file.values("backbone.embed.weight").size(), 4 * 3 * 7);
    EXPECT_EQ(file.values("head.out.weight").size(), 18 * 4);
    EXPECT_EQ(file.values("backbone.embed.weight")[0], 7);
}

TEST_F(VocosCheckpointTest, WritesTheSameFromSafetensors) {
    ASSERT_EQ(convert(), "converted");
    const auto values = converted().values("backbone.convnext.1.pwconv2.weight");
    std::filesystem::remove(folder_ / "in/pytorch_model.bin");
    folder_.write("in/model.safetensors", test::safetensors_file(arrays_));
    ASSERT_EQ(convert_folder(), "converted");
    EXPECT_EQ(converted().values("backbone.convnext.1.pwconv2.weight"), values);
    EXPECT_EQ(values.size(), 4 * 8);
}

TEST_F(VocosCheckpointTest, TakesTheReferencesPaddingWhereNoneIsSaid) {
    ASSERT_EQ(convert_with("    padding: center\n", "", /*last=*/true), "converted");
    EXPECT_EQ(converted().word("vocos.padding"), "same");
}

TEST_F(VocosCheckpointTest, RefusesConfigurationsThatDoNotHold) {
    EXPECT_THAT(convert_with("MelSpectrogramFeatures", "EncodecFeatures"),
                HasSubstr("config.yaml: feature_extractor.class_path is not"));
    EXPECT_THAT(convert_with("ISTFTHead", "IMDCTSymExpHead"), HasSubstr("head.class_path"));
    EXPECT_THAT(convert_with("backbone:", "spine:"), HasSubstr("backbone.class_path"));
    EXPECT_THAT(convert_with("    num_layers: 2\n", ""), HasSubstr("backbone: num_layers"));
    EXPECT_THAT(convert_with("num_layers: 2", "num_layers: 97"), HasSubstr("num_layers"));
    EXPECT_THAT(convert_with("num_layers: 2", "num_layers: two"), HasSubstr("num_layers"));
    EXPECT_THAT(
        convert_with("    num_layers: 2", "    num_layers: 2\n    adanorm_num_embeddings: 4"),
        HasSubstr("adanorm_num_embeddings is set"));
    EXPECT_THAT(convert_with("n_fft: 16", "n_fft: 17", true), HasSubstr("n_fft is odd"));
    EXPECT_THAT(convert_with("n_fft: 16", "n_fft: 32"), HasSubstr("n_fft is not the head's"));
    EXPECT_THAT(convert_with("hop_length: 4", "hop_length: 8"),
                HasSubstr("feature_extractor: hop_length is not the head's"));
    EXPECT_THAT(convert_with("hop_length: 4", "hop_length: 17", true),
                HasSubstr("head: hop_length"));
    EXPECT_THAT(convert_with("padding: center", "padding: half", true), HasSubstr("padding"));
    EXPECT_THAT(convert_with("sample_rate: 24000", "sample_rate: [24000]"),
                HasSubstr("config.yaml: line 4"));
    std::filesystem::remove(folder_ / "in/config.yaml");
    EXPECT_EQ(convert(), "config.yaml: is missing");
}

TEST_F(VocosCheckpointTest, RefusesTensorsThatAreMissingOfAnotherShapeOrTooMany) {
    const auto complete = arrays_;
    arrays_.erase(arrays_.begin());
    EXPECT_THAT(convert(), HasSubstr("backbone.embed.weight: is missing"));
    arrays_ = complete;
    arrays_[0] = test::ramp("backbone.embed.weight", {4, 7, 3}, 0);
    EXPECT_THAT(convert(), HasSubstr("its shape is [4, 7, 3], not [4, 3, 7]"));
    arrays_ = complete;
    arrays_.push_back(test::ramp("backbone.convnext.2.gamma", {4}, 0));
    EXPECT_THAT(convert(), HasSubstr("convnext.2.gamma: is not of this kind of network"));
    std::filesystem::remove(folder_ / "in/pytorch_model.bin");
    EXPECT_EQ(convert_folder(), "model.safetensors: is missing");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out.gguf"));
    EXPECT_EQ(folder_.entries(), 1);
}

}  // namespace
}  // namespace titans::checkpoint
