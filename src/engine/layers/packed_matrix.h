#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engine/ggml/gguf_file.h"
#include "engine/layers/precision.h"
#include "engine/layers/vector_math.h"
#include "engine/layers/workspace.h"

namespace titans::engine {

/// The weights of a linear layer or of one group of a convolution, as the kernels read them: in
/// panels of 64 outputs, each [taps, in, 64] (with the numbers that make 4 bytes side by side), or
/// in place, where each is [64, in].
class PackedMatrix {
public:
    static constexpr std::int64_t kPanel = 64;

    /// y[out] = sum over taps and in of x[tap, in] weight[out, in, tap].
    struct Shape {
        std::int64_t out = 0;
        std::int64_t in = 0;
        std::int64_t taps = 1;
        /// The taps' inputs are one row of taps x in numbers.
        bool joined_taps = false;
        Precision precision = Precision::F32;
    };
    /// Rows of a file.
    struct Source {
        GgufFile::Type type = GgufFile::Type::F32;
        std::span<const std::byte> bytes;
        std::size_t row = 0;  // numbers from one output to the next; 0: there is nothing between
    };

    /// sources: [out, in, taps] row-major, in one or several pieces of whole outputs.
    PackedMatrix(const Shape& shape, std::vector<Source> sources);

    Precision precision() const { return shape_.precision; }
    std::int64_t out() const { return shape_.out; }
    /// Taps whose inputs are apart, and the inputs of each.
    std::int64_t taps() const { return shape_.joined_taps ? 1 : shape_.taps; }
    std::int64_t in() const { return shape_.joined_taps ? shape_.in * shape_.taps : shape_.in; }
    std::int64_t panels() const { return (shape_.out + kPanel - 1) / kPanel; }

    std::size_t panel_bytes() const { return static_cast<std::size_t>(taps()) * tap_bytes(); }
    std::size_t tap_bytes() const;
    /// Of memory that it needs.
    std::size_t bytes() const {
        return in_place() ? 0 : static_cast<std::size_t>(panels()) * panel_bytes();
    }

    /// From now on the sources themselves are read, which stay where they are. False, and nothing
    /// changes, if they are not F32 or not as the kernels need them.
    bool read_in_place();
    bool in_place() const { return !places_.empty(); }
    /// In place: numbers from one output to the next.
    std::int64_t row() const { return row_; }

    /// Else first the memory for bytes(), then each panel, on any threads.
    void place(std::byte* memory);
    void pack(std::int64_t panel);
    std::span<const Source> sources() const { return sources_; }

    const std::byte* panel(std::int64_t index) const {
        if (in_place()) return places_[static_cast<std::size_t>(index)];
        return data_ + static_cast<std::size_t>(index) * panel_bytes();
    }
    /// Int8: of the panel's outputs. (Of the rows: the caller's.)
    vectors::Scales scales(std::int64_t panel, const float* of_rows) const;

private:
    void read(std::int64_t output, float* values, std::vector<float>& scratch) const;
    /// Numbers from one output to the next, and how many outputs there are.
    std::int64_t row_of(const Source& source) const;
    std::int64_t outputs_of(const Source& source) const;

    Shape shape_;
    std::vector<Source> sources_;
    std::byte* data_ = nullptr;
    std::vector<const std::byte*> places_;  // of the panels, in place
    std::int64_t row_ = 0;
    std::vector<float> scales_;
    std::vector<std::int32_t> offsets_;  // 128 times the sum of an output's weights
};

/// x times a PackedMatrix, tile by tile: up to 64 rows by one panel. Where the matrix is read in
/// place, x is what must be laid out for the kernels: each tile's rows as columns.
class TiledProduct {
public:
    struct Rows {
        std::int64_t rows = 0;
        std::int64_t of_tile = 0;   // the last tile has what remains
        std::int64_t a_row = 0;     // numbers of x from one row (in place: column) to the next,
        std::int64_t tap_step = 0;  // and from one tap to the next
    };

    TiledProduct(Workspace& workspace, const PackedMatrix& matrix, const Rows& rows);

    /// With room for the transposed one.
    static constexpr std::size_t kTileBytes = 2 * 64 * vectors::kTileRow * sizeof(float);

    /// The tile of the rows from `first` and the panel's outputs, as vectors::finish() takes it.
    /// a: of the first row, or of the tile's columns. Each row is followed by numbers (any but
    /// infinite or none) up to a multiple of 4 bytes.
    void run(const std::byte* a, std::int64_t first, std::int64_t panel, float* tile,
             void* kernel_memory) const;
    std::int64_t rows_at(std::int64_t first) const;
    std::int64_t outputs_of(std::int64_t panel) const;

private:
    std::shared_ptr<const MatrixKernel> kernel(Workspace& workspace, std::int64_t rows,
                                               std::int64_t outputs, std::int64_t k,
                                               std::int64_t batch) const;

    struct Call {  // one of those that follow each other along the inputs
        std::int64_t a_bytes = 0;
        std::size_t b_bytes = 0;
        std::vector<MatrixKernel::Offsets> offsets;
        std::shared_ptr<const MatrixKernel> kernels[2][2];  // [last tile][last panel]
    };

    const PackedMatrix& matrix_;
    Rows rows_;
    std::vector<Call> calls_;
};

/// The tile's height for `rows`: even, so that threads get as much, and at most 64.
std::int64_t tile_height(std::int64_t rows, int threads);

/// From one kind of numbers to that of `precision`: bytes of one.
std::size_t number_bytes(Precision precision);

}  // namespace titans::engine
