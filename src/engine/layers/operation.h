#pragma once

#include <ggml.h>

#include <cstdint>
#include <string_view>
#include <utility>

namespace titans::engine {

/// A node of a graph that we compute and not ggml: each of its threads calls compute() for its
/// share of the work, with the node whose sources (`src`) are the operands and whose data the
/// answer is.
class Operation {
public:
    virtual ~Operation() = default;
    virtual void compute(ggml_tensor* to, int thread, int threads) const noexcept = 0;

    /// For who measures: the layer's name, and its multiplications and additions, where they are
    /// what takes the time.
    virtual std::string_view name() const = 0;
    virtual double operations() const { return 0; }
};

/// The part of [0, count) that is `thread`'s.
inline std::pair<std::int64_t, std::int64_t> share_of(std::int64_t count, int thread, int threads) {
    return {count * thread / threads, count * (thread + 1) / threads};
}

/// Numbers from one row of a matrix of F32 to the next.
inline std::int64_t row_of(const ggml_tensor* matrix) {
    return static_cast<std::int64_t>(matrix->nb[1] / sizeof(float));
}

inline float* numbers_of(const ggml_tensor* tensor) { return static_cast<float*>(tensor->data); }

}  // namespace titans::engine
