#include "engine/layers/conv1d_operation.h"

#include <algorithm>
#include <cstring>

namespace titans::engine {
namespace {

/// The input that goes through all panels together stays in the caches.
constexpr std::int64_t kChunk = std::int64_t{1} << 20;
/// Kernels may read so far behind the last number.
constexpr std::int64_t kSlack = 64;

/// Rows of input that `count` rows of output are made of.
std::int64_t input_rows(const Conv1dShape& shape, std::int64_t count) {
    return (count - 1) * shape.stride + std::int64_t{shape.kernel - 1} * shape.dilation + 1;
}

}  // namespace

std::int64_t convolved_rows(const Conv1dShape& shape, std::int64_t time) {
    const std::int64_t room =
        time + shape.pad_left + shape.pad_right - shape.dilation * (shape.kernel - 1) - 1;
    return room < 0 ? 0 : room / shape.stride + 1;
}

Conv1dOperation::Conv1dOperation(Workspace& workspace, const Conv1d& layer, const ggml_tensor* x,
                                 Activation activation, std::int64_t sequences)
    : workspace_(workspace),
      layer_(layer),
      activation_(activation),
      precision_(layer.packed.front()->precision()),
      sequences_(sequences),
      time_(x->ne[1] / sequences),
      rows_(convolved_rows(layer.shape, time_)),
      tile_(tile_height(rows_, workspace.threads())),
      staged_(precision_ != Precision::F32 || row_of(x) != layer.shape.in ||
              layer.shape.pad_left + layer.shape.pad_right > 0) {
    const Conv1dShape& shape = layer.shape;
    for (const PackedMatrix* group : layer.packed) {
        products_.emplace_back(workspace, *group,
                               TiledProduct::Rows{.rows = rows_,
                                                  .of_tile = tile_,
                                                  .a_row = shape.stride * shape.in,
                                                  .tap_step = shape.dilation * shape.in});
    }
    const auto size = static_cast<std::int64_t>(number_bytes(precision_));
    const std::int64_t tile_bytes = tile_ * shape.stride * shape.in * size;
    chunk_ = std::max<std::int64_t>(1, kChunk / tile_bytes) * tile_;
    std::int64_t needed = TiledProduct::kTileBytes;
    if (staged_) needed += (input_rows(shape, chunk_) * shape.in + kSlack) * size;
    workspace.reserve(static_cast<std::size_t>(needed));
}

void Conv1dOperation::stage(const ggml_tensor* x, std::int64_t sequence, std::int64_t first,
                            std::int64_t count, std::byte* numbers) const {
    const std::int64_t in = layer_.shape.in;
    const auto size = static_cast<std::int64_t>(number_bytes(precision_));
    const auto convert = [&](std::int64_t from, std::int64_t row, std::int64_t length) {
        const float* values = numbers_of(x) + (sequence * time_ + from) * row_of(x);
        std::byte* to = numbers + row * in * size;
        if (precision_ == Precision::F32) {
            std::memcpy(to, values, static_cast<std::size_t>(length) * sizeof(float));
        } else {
            vectors::to_bf16(values, reinterpret_cast<vectors::Bf16*>(to),
                             static_cast<std::size_t>(length));
        }
    };
    const auto clear = [&](std::int64_t row, std::int64_t length) {
        std::memset(numbers + row * in * size, 0, static_cast<std::size_t>(length * size));
    };
    const std::int64_t before = std::clamp<std::int64_t>(-first, 0, count);
    const std::int64_t inside = std::clamp<std::int64_t>(time_ - first, before, count) - before;
    clear(0, before * in);
    if (row_of(x) == in) {
        convert(first + before, before, inside * in);
    } else {
        for (std::int64_t row = before; row < before + inside; ++row) convert(first + row, row, in);
    }
    clear(before + inside, (count - before - inside) * in + kSlack);
}

void Conv1dOperation::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const std::int64_t tiles = (rows_ + tile_ - 1) / tile_;  // of a sequence
    auto [tile, last] = share_of(sequences_ * tiles, thread, threads);
    while (tile < last) {
        const std::int64_t sequence = tile / tiles;
        const std::int64_t end = std::min(last - sequence * tiles, tiles);
        compute(to, sequence, tile % tiles * tile_, std::min(end * tile_, rows_), thread);
        tile = sequence * tiles + end;
    }
}

void Conv1dOperation::compute(ggml_tensor* to, std::int64_t sequence, std::int64_t begin,
                              std::int64_t end, int thread) const {
    const ggml_tensor* x = to->src[0];
    const Conv1dShape& shape = layer_.shape;
    const auto size = static_cast<std::int64_t>(number_bytes(precision_));
    auto* tile = reinterpret_cast<float*>(workspace_.memory(thread));
    std::byte* staging = workspace_.memory(thread) + TiledProduct::kTileBytes;
    for (std::int64_t chunk = begin; chunk < end; chunk += chunk_) {
        const std::int64_t chunk_end = std::min(chunk + chunk_, end);
        const std::int64_t first = chunk * shape.stride - shape.pad_left;
        const auto* a = reinterpret_cast<const std::byte*>(numbers_of(x) +
                                                           (sequence * time_ + first) * shape.in);
        if (staged_) {
            stage(x, sequence, first, input_rows(shape, chunk_end - chunk), staging);
            a = staging;
        }
        for (std::int64_t group = 0; group < shape.groups; ++group) {
            const PackedMatrix& weight = *layer_.packed[static_cast<std::size_t>(group)];
            const TiledProduct& product = products_[static_cast<std::size_t>(group)];
            const std::byte* part = a + group * (shape.in / shape.groups) * size;
            for (std::int64_t panel = 0; panel < weight.panels(); ++panel) {
                const std::int64_t column =
                    group * (shape.out / shape.groups) + panel * PackedMatrix::kPanel;
                for (std::int64_t row = chunk; row < chunk_end; row += tile_) {
                    product.run(part + (row - chunk) * shape.stride * shape.in * size, row, panel,
                                tile, workspace_.kernel_memory(thread));
                    vectors::finish(
                        tile, static_cast<std::size_t>(product.rows_at(row)),
                        static_cast<std::size_t>(product.outputs_of(panel)),
                        {.bias =
                             layer_.bias == nullptr ? nullptr : numbers_of(layer_.bias) + column,
                         .activation = activation_,
                         .to = numbers_of(to) + (sequence * rows_ + row) * shape.out + column,
                         .to_row = static_cast<std::size_t>(shape.out)});
                }
            }
        }
    }
}

double Conv1dOperation::operations() const {
    const Conv1dShape& shape = layer_.shape;
    return 2.0 * static_cast<double>(sequences_ * rows_ * shape.out * shape.in / shape.groups *
                                     shape.kernel);
}

void DepthwiseOperation::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const Conv1dShape& shape = layer_.shape;
    const auto width = static_cast<std::size_t>(shape.in);
    const float* bias = layer_.bias == nullptr ? nullptr : numbers_of(layer_.bias);
    const auto [first, last] = share_of(to->ne[1], thread, threads);
    const std::int64_t step = row_of(x) * shape.dilation;
    const std::int64_t rows = convolved_rows(shape, time_);  // of a sequence
    for (std::int64_t row = first; row < last; ++row) {
        const std::int64_t at = row % rows * shape.stride - shape.pad_left;
        const float* from = numbers_of(x) + row / rows * time_ * row_of(x);
        // The taps that fall on rows that there are.
        const std::int64_t begin = at >= 0 ? 0 : (-at + shape.dilation - 1) / shape.dilation;
        const std::int64_t end = std::min<std::int64_t>(
            shape.kernel, (time_ - at + shape.dilation - 1) / shape.dilation);
        float* out = numbers_of(to) + row * shape.out;
        vectors::convolve_channels(
            from + at * row_of(x) + begin * step, static_cast<std::size_t>(step),
            numbers_of(layer_.weight) + begin * shape.in,
            static_cast<std::size_t>(std::max<std::int64_t>(0, end - begin)), bias, width, out);
        if (activation_ != Activation::None) vectors::activate(out, out, width, activation_);
    }
}

}  // namespace titans::engine
