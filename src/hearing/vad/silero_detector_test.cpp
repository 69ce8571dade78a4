#include "hearing/vad/silero_detector.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "foundation/temporary_folder_for_test.h"
#include "hearing/vad/silero_reference_for_test.h"

namespace titans::hearing::vad {
namespace {

struct Tensor {
    const char* name;
    std::vector<std::int64_t> shape;
    double scale;
};

/// As in tools/reference/silero_vad.py.
std::vector<Tensor> tensors() {
    return {{"model.stft.forward_basis_buffer", {258, 1, 256}, 0.1},
            {"model.encoder.0.reparam_conv.weight", {128, 129, 3}, 0.12},
            {"model.encoder.0.reparam_conv.bias", {128}, 0.1},
            {"model.encoder.1.reparam_conv.weight", {64, 128, 3}, 0.12},
            {"model.encoder.1.reparam_conv.bias", {64}, 0.1},
            {"model.encoder.2.reparam_conv.weight", {64, 64, 3}, 0.2},
            {"model.encoder.2.reparam_conv.bias", {64}, 0.1},
            {"model.encoder.3.reparam_conv.weight", {128, 64, 3}, 0.3},
            {"model.encoder.3.reparam_conv.bias", {128}, 0.1},
            {"model.decoder.rnn.weight_ih", {512, 128}, 0.25},
            {"model.decoder.rnn.weight_hh", {512, 128}, 0.25},
            {"model.decoder.rnn.bias_ih", {512}, 0.1},
            {"model.decoder.rnn.bias_hh", {512}, 0.1},
            {"model.decoder.decoder.2.weight", {1, 128, 1}, 4.0},
            {"model.decoder.decoder.2.bias", {1}, 0.1}};
}

class Random {
public:
    float next(double scale) {
        state_ = (state_ * 1664525) + 1013904223;
        return static_cast<float>(((state_ >> 8) / 8388608.0 - 1) * scale);
    }

private:
    std::uint32_t state_ = 1;
};

/// Writes `tensors` with the values of `random`.
void write(const std::filesystem::path& path, const std::vector<Tensor>& tensors, Random& random) {
    const gguf_context_ptr file(gguf_init_empty());
    const ggml_context_ptr context(
        ggml_init({.mem_size = 32768, .mem_buffer = nullptr, .no_alloc = true}));
    std::vector<std::vector<float>> values;
    for (const Tensor& tensor : tensors) {
        const std::vector<std::int64_t> sizes(tensor.shape.rbegin(), tensor.shape.rend());
        ggml_tensor* const made = ggml_new_tensor(context.get(), GGML_TYPE_F32,
                                                  static_cast<int>(sizes.size()), sizes.data());
        ggml_set_name(made, tensor.name);
        auto& floats = values.emplace_back(static_cast<std::size_t>(ggml_nelements(made)));
        for (float& value : floats) value = random.next(tensor.scale);
        made->data = floats.data();
        gguf_add_tensor(file.get(), made);
    }
    ASSERT_TRUE(gguf_write_to_file(file.get(), path.c_str(), /*only_meta=*/false));
}

/// With random weights, and noise that is loud in every other three steps.
class SileroDetectorTest : public testing::Test {
protected:
    static void SetUpTestSuite() {
        const TemporaryFolder folder;
        Random random;
        write(folder / "vad.gguf", tensors(), random);
        auto loaded = load_silero(folder / "vad.gguf");
        ASSERT_TRUE(loaded) << loaded.error().message;
        weights = *std::move(loaded);
        for (std::size_t i = 0; i < kReference.size(); ++i) {
            auto& step = signal.emplace_back();
            for (float& sample : step) sample = random.next(i / 3 % 2 == 1 ? 0.5 : 0.05);
        }
    }
    static void TearDownTestSuite() { weights.reset(); }

    static inline std::shared_ptr<const SileroWeights> weights;
    static inline std::vector<std::array<float, kStep>> signal;
};

TEST_F(SileroDetectorTest, AnswersAsTheReference) {
    SileroDetector detector(weights);
    for (std::size_t i = 0; i < signal.size(); ++i) {
        EXPECT_NEAR(detector.step(signal[i]), kReference[i], 1e-5F) << i;  // F32 against F64
    }
}

TEST_F(SileroDetectorTest, KeepsTheStateOfEachStreamApart) {
    SileroDetector one(weights);
    SileroDetector other(weights);
    for (std::size_t i = 0; i < 10; ++i) {
        const float answer = one.step(signal[i]);
        other.step(signal[20 + i]);
        EXPECT_NEAR(answer, kReference[i], 1e-5F) << i;
    }
}

TEST_F(SileroDetectorTest, ForgetsAStreamWhenItIsReset) {
    SileroDetector detector(weights);
    for (std::size_t i = 5; i < 15; ++i) detector.step(signal[i]);
    detector.reset();
    for (std::size_t i = 0; i < 10; ++i) {
        EXPECT_NEAR(detector.step(signal[i]), kReference[i], 1e-5F) << i;
    }
}

TEST(SileroWeights, AreRefusedIfOneIsMissingOrOfAnotherShape) {
    const TemporaryFolder folder;
    Random random;
    for (std::size_t i = 0; i < tensors().size(); ++i) {
        auto some = tensors();
        some[i].shape.back() += 1;
        write(folder / "vad.gguf", some, random);
        const auto loaded = load_silero(folder / "vad.gguf");
        ASSERT_FALSE(loaded) << some[i].name;
        EXPECT_EQ(loaded.error().kind, ErrorKind::Unsupported);
        EXPECT_TRUE(loaded.error().message.contains(some[i].name)) << loaded.error().message;
        some.erase(some.begin() + static_cast<std::ptrdiff_t>(i));
        write(folder / "vad.gguf", some, random);
        EXPECT_FALSE(load_silero(folder / "vad.gguf")) << i;
    }
    EXPECT_EQ(load_silero(folder / "none.gguf").error().kind, ErrorKind::NotFound);
}

}  // namespace
}  // namespace titans::hearing::vad
