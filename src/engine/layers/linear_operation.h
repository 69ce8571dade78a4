#pragma once

#include "engine/layers/activation.h"
#include "engine/layers/operation.h"
#include "engine/layers/packed_matrix.h"
#include "engine/layers/workspace.h"

namespace titans::engine {

/// activation(x W^T + b) * gate + more. Sources: x, [rows, in]; more, [rows, out], or null; gate,
/// [1, out], or null. All may be columns of something wider.
class LinearOperation : public Operation {
public:
    /// bias: [out] of F32, or null. x: as the source will be.
    LinearOperation(Workspace& workspace, const PackedMatrix& weight, const ggml_tensor* bias,
                    const ggml_tensor* x, Activation activation);

    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "linear"; }
    double operations() const override {
        return 2.0 * static_cast<double>(rows_ * weight_.in() * weight_.out());
    }

private:
    /// Lays out the rows [first, end) for the kernels, if they cannot be read where they are.
    void stage(const ggml_tensor* x, std::int64_t first, std::int64_t end, std::byte* numbers,
               float* scales) const;
    /// A tile's rows as columns, for weights that are read in place.
    void turn(const ggml_tensor* x, std::int64_t first, std::byte* numbers) const;
    std::int64_t tile_bytes() const;
    /// What the product of the tile from `row` takes, the rows from `chunk` on being staged.
    const std::byte* operand(const ggml_tensor* x, std::int64_t chunk, std::int64_t row,
                             const std::byte* staging) const;
    /// A panel's outputs of all rows, which are few.
    void multiply(const ggml_tensor* x, std::int64_t panel, float* tile) const;

    const Workspace& workspace_;
    const PackedMatrix& weight_;
    const ggml_tensor* bias_;
    Activation activation_;
    std::int64_t rows_;
    std::int64_t tile_;
    std::int64_t chunk_;   // rows that go through all panels together; whole tiles
    std::int64_t staged_;  // numbers of a row once converted
    std::int64_t column_;  // numbers of a column of a tile, where weights are read in place
    bool by_rows_;         // else the threads share the outputs
    bool few_;             // rows of which weights in place are multiplied with one at a time
    TiledProduct product_;
};

}  // namespace titans::engine
