#include "hearing/whisper/network.h"

#include <gguf.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <random>

#include "foundation/temporary_folder_for_test.h"
#include "hearing/whisper/tiny_model_for_test.h"

namespace titans::hearing::whisper {
namespace {

Result<std::unique_ptr<Network>> load(const TinyModel& model = {}) {
    const TemporaryFolder folder;
    write_tiny_model(folder / "tiny.gguf", model);
    auto file = engine::GgufFile::open(folder / "tiny.gguf");
    auto device = engine::Device::open({.threads = 1});
    return Network::load(std::make_shared<const engine::GgufFile>(*std::move(file)),
                         {.device = *std::move(device)});
}

std::vector<float> mel(int positions, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> level;
    std::vector<float> values(static_cast<std::size_t>(positions) * 2 * 80);
    for (float& value : values) value = level(random);
    return values;
}

using Values = std::vector<float>;

Values copy(const Result<std::span<const float>>& logits) {
    EXPECT_TRUE(logits);
    return {logits->begin(), logits->end()};
}

void expect_near(const Values& got, const Values& wanted) {
    ASSERT_EQ(got.size(), wanted.size());
    for (std::size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], wanted[i], 1e-4) << i;
}

double distance(const Values& a, const Values& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
    return sum / static_cast<double>(a.size());
}

class WhisperNetwork : public testing::Test {
protected:
    void SetUp() override {
        auto loaded = load();
        ASSERT_TRUE(loaded) << loaded.error().message;
        network = *std::move(loaded);
        ASSERT_TRUE(network->encode(mel(20, 1), {}));
    }
    std::unique_ptr<Network> network;
};

TEST_F(WhisperNetwork, ReadsTokensOneByOneAsAllAtOnce) {
    const std::vector<int> tokens{264, 265, 268, 272, 40};
    const Values wanted = copy(network->read(tokens, 0, {}));
    Values got;
    for (int i = 0; i < 5; ++i)
        got = copy(network->read(std::span(tokens).subspan(static_cast<std::size_t>(i), 1), i, {}));
    expect_near(got, wanted);
    const std::vector<int> others{264, 265, 268, 272, 41};
    EXPECT_GT(distance(copy(network->read(others, 0, {})), wanted), 1e-2);
}

TEST_F(WhisperNetwork, ReadsManyTokensAtOnce) {
    std::vector<int> tokens(31);
    std::iota(tokens.begin(), tokens.end(), 40);
    const Values wanted = copy(network->read(tokens, 0, {}));
    Values got;
    for (int i = 0; i < std::ssize(tokens); ++i)
        got = copy(network->read(std::span(tokens).subspan(static_cast<std::size_t>(i), 1), i, {}));
    expect_near(got, wanted);
}

TEST_F(WhisperNetwork, FollowsHypothesesSideBySide) {
    const std::vector<int> start{264, 265, 268};
    const std::vector<std::vector<int>> texts{{7, 8}, {9, 10}, {7, 11}};
    std::vector<Values> wanted;
    for (const auto& text : texts) {
        std::vector<int> all = start;
        all.insert(all.end(), text.begin(), text.end());
        wanted.push_back(copy(network->read(all, 0, {})));
    }
    ASSERT_TRUE(network->read(start, 0, {}));
    ASSERT_TRUE(network->fork(3, 3));
    ASSERT_TRUE(network->read_each(std::vector{9, 7, 30}, 3, {}));
    network->reorder(std::vector{1, 0, 1}, 4);
    const Values got = copy(network->read_each(std::vector{8, 10, 11}, 4, {}));
    const std::size_t width = wanted[0].size();
    for (std::size_t i = 0; i < 3; ++i) {
        const auto row = got.begin() + static_cast<std::ptrdiff_t>(i * width);
        expect_near({row, row + static_cast<std::ptrdiff_t>(width)}, wanted[i]);
    }
}

TEST_F(WhisperNetwork, IsAboutTheWindowThatWasEncodedLast) {
    const std::vector<int> tokens{264, 265, 268, 272};
    const Values first = copy(network->read(tokens, 0, {}));
    for (const int positions : {50, 10, 20, 30, 40, 49, 20}) {
        ASSERT_TRUE(network->encode(mel(positions, 2), {}));
        EXPECT_GT(distance(copy(network->read(tokens, 0, {})), first), 1e-3) << positions;
    }
    ASSERT_TRUE(network->encode(mel(20, 1), {}));
    expect_near(copy(network->read(tokens, 0, {})), first);
}

TEST_F(WhisperNetwork, SharesItsAttentionAmongThePositions) {
    const std::vector<int> tokens{264, 265, 268, 272, 5};
    const std::vector<Head> heads{{0, 1}, {1, 0}, {1, 1}};
    const auto shares = network->alignment(tokens, heads, {});
    ASSERT_TRUE(shares);
    ASSERT_EQ(shares->size(), 3 * 5 * 20);
    for (std::size_t row = 0; row < 15; ++row) {
        double sum = 0;
        for (std::size_t i = 0; i < 20; ++i) sum += (*shares)[row * 20 + i];
        EXPECT_NEAR(sum, 1, 1e-5);
    }
    const auto again = network->alignment(tokens, std::span(heads).subspan(2), {});
    ASSERT_TRUE(again);
    expect_near(*again, {shares->end() - 100, shares->end()});
}

TEST_F(WhisperNetwork, StopsWhenAsked) {
    std::stop_source source;
    source.request_stop();
    const auto done = network->encode(mel(20, 1), source.get_token());
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().kind, ErrorKind::Cancelled);
}

TEST(WhisperNetworkFile, IsRefusedIfSomethingIsMissingOrWrong) {
    for (const std::string lacks :
         {"encoder.conv2.bias", "decoder.layers.1.encoder_attn.k_proj.weight",
          "decoder.embed_tokens.weight", "encoder.layers.0.fc1.weight"}) {
        const auto loaded = load({.lacks = lacks});
        ASSERT_FALSE(loaded) << lacks;
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
        EXPECT_NE(loaded.error().message.find(lacks), std::string::npos) << loaded.error().message;
    }
    for (const char* key : {"whisper.d_model", "whisper.decoder_layers", "whisper.vocab_size",
                            "whisper.encoder_attention_heads"}) {
        for (const std::uint32_t value : {0U, 3U, 1'000'000'000U}) {
            const auto loaded =
                load({.change = [&](gguf_context* file) { gguf_set_val_u32(file, key, value); }});
            ASSERT_FALSE(loaded) << key << ' ' << value;
            EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
        }
    }
    EXPECT_FALSE(load({.change = [](gguf_context* file) {
        gguf_set_val_str(file, "general.architecture", "bert");
    }}));
}

}  // namespace
}  // namespace titans::hearing::whisper
