#pragma once

#include <vector>

#include "engine/layers/operation.h"
#include "engine/layers/packed_matrix.h"
#include "engine/layers/weights.h"
#include "engine/layers/workspace.h"

namespace titans::engine {

/// Rows that a convolution makes of `time` rows; less than 1 of too few.
std::int64_t convolved_rows(const Conv1dShape& shape, std::int64_t time);

/// activation(convolution + bias). Source: x, [sequences x time, in]. A product of overlapping rows
/// of x with the kernel, without copies of them.
class Conv1dOperation : public Operation {
public:
    Conv1dOperation(Workspace& workspace, const Conv1d& layer, const ggml_tensor* x,
                    Activation activation, std::int64_t sequences);

    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "convolution"; }
    double operations() const override;

private:
    void compute(ggml_tensor* to, std::int64_t sequence, std::int64_t begin, std::int64_t end,
                 int thread) const;
    void stage(const ggml_tensor* x, std::int64_t sequence, std::int64_t first, std::int64_t count,
               std::byte* numbers) const;

    const Workspace& workspace_;
    Conv1d layer_;
    Activation activation_;
    Precision precision_;
    std::int64_t sequences_;
    std::int64_t time_;  // rows of a sequence: of the input,
    std::int64_t rows_;  // and of the answer
    std::int64_t tile_;
    std::int64_t chunk_;                  // rows that go through all panels together; whole tiles
    bool staged_;                         // converted or padded; else read where it is
    std::vector<TiledProduct> products_;  // one a group
};

/// The same where each channel has a kernel of its own: layer.weight is [kernel, channels].
class DepthwiseOperation : public Operation {
public:
    DepthwiseOperation(const Conv1d& layer, const ggml_tensor* x, Activation activation,
                       std::int64_t sequences)
        : layer_(layer), activation_(activation), time_(x->ne[1] / sequences) {}

    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "convolution of single channels"; }

private:
    Conv1d layer_;
    Activation activation_;
    std::int64_t time_;  // rows of a sequence
};

}  // namespace titans::engine
