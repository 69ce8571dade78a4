#pragma once

#include <ggml.h>
#include <gguf.h>
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <random>

#include "engine/layers/graph.h"
#include "foundation/temporary_folder_for_test.h"

namespace titans::engine {

using Values = std::vector<float>;

inline Values seeded(std::size_t count, unsigned seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    Values values(count);
    for (float& value : values) value = normal(random);
    return values;
}

/// Who computes: our kernels or ggml's operators on the processor, or these on a GPU.
enum class Where : std::uint8_t { Ours, Ggml, Gpu };

inline std::string name_of(const testing::TestParamInfo<Where>& info) {
    constexpr std::array<std::string_view, 3> kNames{"Ours", "Ggml", "Gpu"};
    return std::string(kNames[static_cast<std::size_t>(info.param)]);
}

/// The tests of a GPU are skipped where there is none.
class LayersTest : public testing::TestWithParam<Where> {
protected:
    void SetUp() override {
        if (GetParam() == Where::Gpu && number_gpus(load_backends().devices).empty())
            GTEST_SKIP() << "no GPU";
    }
    /// The relative error of what is a sum of products. GPUs round what they multiply to F16.
    static double rounding() { return GetParam() == Where::Gpu ? 1e-3 : 1e-5; }
};

/// Weights of random tensors of given names and shapes (slowest axis first).
class Layers {
public:
    explicit Layers(Device::Arithmetic arithmetic, Precision precision = Precision::F32,
                    int threads = 2)
        : Layers(Device::Options{.threads = threads, .arithmetic = arithmetic}, precision) {}
    explicit Layers(Where where)
        : Layers(Device::Options{.threads = 2,
                                 .gpu = where == Where::Gpu ? std::optional(0) : std::nullopt,
                                 .arithmetic = where == Where::Ours ? Device::Arithmetic::Ours
                                                                    : Device::Arithmetic::Ggml},
                 Precision::F32) {}
    Layers(const Device::Options& options, Precision precision)
        : precision_(precision),
          device_(*Device::open(options)),
          file_(gguf_init_empty()),
          context_(ggml_init({.mem_size = 64U << 20U, .mem_buffer = nullptr, .no_alloc = false})) {}

    const Values& add(const std::string& name, std::vector<std::int64_t> shape) {
        std::ranges::reverse(shape);
        ggml_tensor* tensor = ggml_new_tensor(context_.get(), GGML_TYPE_F32,
                                              static_cast<int>(shape.size()), shape.data());
        ggml_set_name(tensor, name.c_str());
        Values& made = values_[name];
        made = seeded(static_cast<std::size_t>(ggml_nelements(tensor)),
                      static_cast<unsigned>(values_.size()));
        std::ranges::copy(made, static_cast<float*>(tensor->data));
        gguf_add_tensor(file_.get(), tensor);
        return made;
    }

    /// Of the file that weights() makes.
    std::filesystem::path path() const { return folder_ / "w.gguf"; }

    Weights& weights() {
        if (!weights_) {
            EXPECT_TRUE(gguf_write_to_file(file_.get(), path().c_str(), false));
            auto file = GgufFile::open(path());
            EXPECT_TRUE(file) << file.error().message;
            weights_ = std::make_unique<Weights>(std::make_shared<const GgufFile>(*std::move(file)),
                                                 *device_, precision_);
        }
        return *weights_;
    }

    Device& device() { return *device_; }

private:
    Precision precision_;
    TemporaryFolder folder_;
    std::unique_ptr<Device> device_;
    gguf_context_ptr file_;
    ggml_context_ptr context_;
    std::map<std::string, Values> values_;
    std::unique_ptr<Weights> weights_;
};

inline double relative_error(const Values& got, const Values& wanted) {
    EXPECT_EQ(got.size(), wanted.size());
    double difference = 0;
    double size = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        difference += std::pow(double{got[i]} - wanted[i], 2);
        size += std::pow(double{wanted[i]}, 2);
    }
    return std::sqrt(difference / size);
}

}  // namespace titans::engine
