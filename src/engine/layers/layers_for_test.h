#pragma once

#include <ggml.h>
#include <gguf.h>
#include <gtest/gtest.h>

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

/// Weights of random tensors of given names and shapes (slowest axis first).
class Layers {
public:
    explicit Layers(Device::Arithmetic arithmetic, Precision precision = Precision::F32,
                    int threads = 2)
        : precision_(precision),
          device_(*Device::open({.threads = threads, .arithmetic = arithmetic})),
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
