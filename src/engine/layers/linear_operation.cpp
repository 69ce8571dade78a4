#include "engine/layers/linear_operation.h"

#include <algorithm>
#include <cstddef>

namespace titans::engine {
namespace {

/// With fewer rows for each thread than this, the threads share the outputs instead.
constexpr std::int64_t kRowsOfThread = 32;
/// The rows that go through all panels together stay in the caches.
constexpr std::int64_t kChunk = std::int64_t{2} << 20;
/// Bytes of an answer that the nearer caches do not keep for the next layer: written past them, so
/// that they keep weights and activations.
constexpr std::int64_t kLarge = std::int64_t{4} << 20;
constexpr std::int64_t kByteOffset = 128;
constexpr std::int64_t kLanes = 16;
/// Fewer are not worth a product of columns.
constexpr std::int64_t kFewRows = 8;

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) {
    return (value + unit - 1) / unit * unit;
}

}  // namespace

LinearOperation::LinearOperation(Workspace& workspace, const PackedMatrix& weight,
                                 const ggml_tensor* bias, const ggml_tensor* x,
                                 Activation activation)
    : workspace_(workspace),
      weight_(weight),
      bias_(bias),
      activation_(activation),
      rows_(x->ne[1]),
      tile_(tile_height(rows_, workspace.threads())),
      staged_(rounded_up(weight.in(), 64)),
      column_(rounded_up(tile_, kLanes)),
      by_rows_(rows_ >= kRowsOfThread * workspace.threads()),
      few_(weight.in_place() && rows_ < kFewRows),
      product_(workspace, weight,
               {.rows = rows_,
                .of_tile = tile_,
                .a_row = weight.in_place()                      ? column_
                         : weight.precision() == Precision::F32 ? row_of(x)
                                                                : staged_}) {
    const auto row_bytes = staged_ * static_cast<std::int64_t>(number_bytes(weight.precision()));
    chunk_ = std::max<std::int64_t>(1, kChunk / row_bytes / tile_) * tile_;
    std::int64_t needed = TiledProduct::kTileBytes +
                          rounded_up(chunk_, 16) * static_cast<std::int64_t>(sizeof(float));
    if (weight.precision() != Precision::F32) needed += chunk_ * row_bytes;
    if (weight.in_place() && !few_) needed += chunk_ / tile_ * tile_bytes();
    workspace.reserve(static_cast<std::size_t>(needed));
}

void LinearOperation::stage(const ggml_tensor* x, std::int64_t first, std::int64_t end,
                            std::byte* numbers, float* scales) const {
    if (weight_.in_place()) {
        for (std::int64_t row = first; row < end && !few_; row += tile_)
            turn(x, row, numbers + (row - first) / tile_ * tile_bytes());
        return;
    }
    if (weight_.precision() == Precision::F32) return;
    const std::int64_t count = end - first;
    const auto width = static_cast<std::size_t>(weight_.in());
    const auto size = static_cast<std::int64_t>(number_bytes(weight_.precision()));
    for (std::int64_t row = 0; row < count; ++row) {
        const float* from = numbers_of(x) + (first + row) * row_of(x);
        std::fill(numbers + (row * staged_ + weight_.in()) * size,
                  numbers + (row + 1) * staged_ * size, std::byte{});
        if (weight_.precision() == Precision::Bf16) {
            vectors::to_bf16(from, reinterpret_cast<vectors::Bf16*>(numbers) + row * staged_,
                             width);
        } else {
            constexpr float kMost = 127;
            const float most = vectors::largest_magnitude(from, width);
            scales[row] = most / kMost;
            vectors::to_bytes(from, most > 0 ? kMost / most : 0, kByteOffset,
                              reinterpret_cast<std::uint8_t*>(numbers) + row * staged_, width);
        }
    }
}

void LinearOperation::turn(const ggml_tensor* x, std::int64_t first, std::byte* numbers) const {
    const auto width = static_cast<std::size_t>(weight_.in());
    const auto row_step = static_cast<std::size_t>(row_of(x));
    auto* columns = reinterpret_cast<std::uint32_t*>(numbers);
    const std::int64_t end = std::min(first + tile_, rows_);
    for (std::int64_t row = first; row < end; row += kLanes) {
        const auto* from = reinterpret_cast<const std::uint32_t*>(numbers_of(x)) + row * row_of(x);
        std::uint32_t* to = columns + (row - first);
        if (row + kLanes <= rows_) {  // perhaps with rows of the next tile
            vectors::transpose_16(from, row_step, to, static_cast<std::size_t>(column_), width);
            continue;
        }
        for (std::int64_t rest = 0; row + rest < end; ++rest)
            for (std::size_t i = 0; i < width; ++i)
                to[i * static_cast<std::size_t>(column_) + static_cast<std::size_t>(rest)] =
                    from[static_cast<std::size_t>(rest) * row_step + i];
    }
}

const std::byte* LinearOperation::operand(const ggml_tensor* x, std::int64_t chunk,
                                          std::int64_t row, const std::byte* staging) const {
    if (weight_.in_place()) return staging + (row - chunk) / tile_ * tile_bytes();
    if (weight_.precision() == Precision::F32)
        return reinterpret_cast<const std::byte*>(numbers_of(x) + row * row_of(x));
    return staging +
           (row - chunk) * staged_ * static_cast<std::int64_t>(number_bytes(weight_.precision()));
}

void LinearOperation::multiply(const ggml_tensor* x, std::int64_t panel, float* tile) const {
    for (std::int64_t row = 0; row < rows_; ++row) {
        vectors::score_keys(
            numbers_of(x) + row * row_of(x), reinterpret_cast<const float*>(weight_.panel(panel)),
            static_cast<std::size_t>(weight_.row()), static_cast<std::size_t>(weight_.in()),
            static_cast<std::size_t>(product_.outputs_of(panel)),
            tile + static_cast<std::size_t>(row) * vectors::kTileRow);
    }
}

std::int64_t LinearOperation::tile_bytes() const {
    return column_ * weight_.in() * static_cast<std::int64_t>(sizeof(float));
}

void LinearOperation::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const ggml_tensor* more = to->src[1];
    const ggml_tensor* gate = to->src[2];
    const Precision precision = weight_.precision();
    const std::int64_t tiles = (rows_ + tile_ - 1) / tile_;
    const auto [first_tile, last_tile] =
        by_rows_ ? share_of(tiles, thread, threads) : std::pair(std::int64_t{0}, tiles);
    const auto [first_panel, last_panel] = by_rows_ ? std::pair(std::int64_t{0}, weight_.panels())
                                                    : share_of(weight_.panels(), thread, threads);
    if (first_panel == last_panel) return;
    auto* tile = reinterpret_cast<float*>(workspace_.memory(thread));
    auto* scales = reinterpret_cast<float*>(workspace_.memory(thread) + TiledProduct::kTileBytes);
    auto* staging = reinterpret_cast<std::byte*>(scales + rounded_up(chunk_, 16));
    const std::int64_t end = std::min(last_tile * tile_, rows_);
    const float* bias = bias_ == nullptr ? nullptr : numbers_of(bias_);
    const bool large = rows_ * weight_.out() * static_cast<std::int64_t>(sizeof(float)) >= kLarge;
    for (std::int64_t chunk = first_tile * tile_; chunk < end; chunk += chunk_) {
        const std::int64_t chunk_end = std::min(chunk + chunk_, end);
        stage(x, chunk, chunk_end, staging, scales);
        for (std::int64_t panel = first_panel; panel < last_panel; ++panel) {
            const std::int64_t column = panel * PackedMatrix::kPanel;
            const auto width = static_cast<std::size_t>(product_.outputs_of(panel));
            for (std::int64_t row = chunk; row < chunk_end; row += tile_) {
                if (few_) {
                    multiply(x, panel, tile);
                } else {
                    product_.run(operand(x, chunk, row, staging), row, panel, tile,
                                 workspace_.kernel_memory(thread));
                }
                vectors::Finish finish{.bias = bias == nullptr ? nullptr : bias + column,
                                       .activation = activation_,
                                       .to = numbers_of(to) + row * weight_.out() + column,
                                       .to_row = static_cast<std::size_t>(weight_.out()),
                                       .large = large};
                if (gate != nullptr) finish.gate = numbers_of(gate) + column;
                if (more != nullptr) {
                    finish.add = numbers_of(more) + row * row_of(more) + column;
                    finish.add_row = static_cast<std::size_t>(row_of(more));
                }
                const auto height = static_cast<std::size_t>(product_.rows_at(row));
                if (precision == Precision::Int8) {
                    vectors::finish_bytes(tile, height, width,
                                          weight_.scales(panel, scales + (row - chunk)), finish);
                } else {
                    vectors::finish(tile, height, width, finish);
                }
            }
        }
    }
}

}  // namespace titans::engine
