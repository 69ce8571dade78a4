#include "voice/f5tts/network.h"

#include <gguf.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "foundation/temporary_folder_for_test.h"
#include "voice/f5tts/tiny_f5tts_for_test.h"

namespace titans::voice::f5tts {
namespace {

using ::testing::HasSubstr;

class NetworkTest : public testing::Test {
protected:
    Result<std::shared_ptr<const Network>> load(const TinyModel& model) {
        write_tiny_f5tts(path_, model);
        return Network::load(path_, compute_);
    }
    Result<std::shared_ptr<const Network>> load_with(const char* key, std::uint32_t value) {
        return load({.change = [=](gguf_context* file) { gguf_set_val_u32(file, key, value); }});
    }

    TemporaryFolder folder_;
    std::filesystem::path path_ = folder_ / "tiny.gguf";
    engine::Compute compute_{.device = *engine::Device::open({.threads = 2})};
};

TEST_F(NetworkTest, LoadsAConvertedModelWithItsVocabulary) {
    const auto network = load({});
    ASSERT_TRUE(network) << network.error().message;
    const Config& config = (*network)->config();
    EXPECT_EQ(config.dim, 32);
    EXPECT_EQ(config.depth, 2);
    EXPECT_EQ(config.mel_dim, 100);
    EXPECT_TRUE(config.text_mask_padding);
    ASSERT_EQ((*network)->vocabulary().size(), 29);
    EXPECT_EQ((*network)->vocabulary()[0], " ");
}

TEST_F(NetworkTest, NamesTheTensorThatAFileLacks) {
    for (const char* const name :
         {"text_embed.text_embed.weight", "text_embed.text_blocks.0.grn.gamma",
          "input_embed.proj.weight", "input_embed.conv_pos_embed.conv1d.2.bias",
          "time_embed.time_mlp.0.weight", "transformer_blocks.1.attn.to_k.weight",
          "transformer_blocks.1.attn_norm.linear.weight", "norm_out.linear.bias",
          "proj_out.weight"}) {
        const auto network = load({.lacks = name});
        ASSERT_FALSE(network) << name;
        EXPECT_EQ(network.error().kind, ErrorKind::Unsupported) << name;
        EXPECT_THAT(network.error().message, HasSubstr(name));
    }
}

TEST_F(NetworkTest, RefusesFactsThatDoNotFitTheTensors) {
    for (const auto& [key, value] : std::initializer_list<std::pair<const char*, std::uint32_t>>{
             {"f5tts.dim", 48},
             {"f5tts.depth", 3},
             {"f5tts.text_dim", 18},
             {"f5tts.ff_mult", 4},
             {"f5tts.mel_dim", 80},
             {"f5tts.conv_layers", 2},
             {"f5tts.text_num_embeds", 30}}) {
        const auto network = load_with(key, value);
        ASSERT_FALSE(network) << key;
        EXPECT_EQ(network.error().kind, ErrorKind::Unsupported) << key;
    }
}

TEST_F(NetworkTest, RefusesSizesThatCannotBeComputed) {
    for (const auto& [key, value] : std::initializer_list<std::pair<const char*, std::uint32_t>>{
             {"f5tts.heads", 0},
             {"f5tts.heads", 3},
             {"f5tts.heads", 32},  // a number is no pair that turns
             {"f5tts.dim", 0},
             {"f5tts.dim", 40},
             {"f5tts.text_dim", 17},
             {"f5tts.depth", 4'000'000'000},
             {"f5tts.pe_attn_head", 3}}) {
        const auto network = load_with(key, value);
        ASSERT_FALSE(network) << key;
        EXPECT_EQ(network.error().kind, ErrorKind::Unsupported) << key;
        EXPECT_THAT(network.error().message, HasSubstr(key));
    }
}

TEST_F(NetworkTest, RefusesModelsOfOtherKinds) {
    write_tiny_vocos(path_);
    const auto network = Network::load(path_, compute_);
    ASSERT_FALSE(network);
    EXPECT_EQ(network.error().kind, ErrorKind::Unsupported);
    EXPECT_EQ(Network::load(folder_ / "none.gguf", compute_).error().kind, ErrorKind::NotFound);
}

}  // namespace
}  // namespace titans::voice::f5tts
