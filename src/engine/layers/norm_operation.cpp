#include "engine/layers/norm_operation.h"

#include <algorithm>

#include "engine/layers/vector_math.h"

namespace titans::engine {
namespace {

vectors::Normalise normalise(const Norm& layer, Activation activation, std::int64_t column) {
    return {.scale = numbers_of(layer.scale) + column,
            .shift = numbers_of(layer.shift) + column,
            .epsilon = layer.epsilon,
            .activation = activation};
}

}  // namespace

void RowNorm::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const auto [first, last] = share_of(to->ne[1], thread, threads);
    for (std::int64_t row = first; row < last; ++row) {
        vectors::normalise_row(numbers_of(x) + row * row_of(x), numbers_of(to) + row * row_of(to),
                               static_cast<std::size_t>(to->ne[0]),
                               normalise(layer_, activation_, 0));
    }
}

void ColumnNorm::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    constexpr std::int64_t kColumns = 64;
    const ggml_tensor* x = to->src[0];
    const std::int64_t width = to->ne[0];
    const auto [first, last] = share_of((width + kColumns - 1) / kColumns, thread, threads);
    for (std::int64_t part = first; part < last; ++part) {
        const std::int64_t column = part * kColumns;
        vectors::normalise_columns(numbers_of(x) + column, static_cast<std::size_t>(row_of(x)),
                                   numbers_of(to) + column, static_cast<std::size_t>(row_of(to)),
                                   static_cast<std::size_t>(to->ne[1]),
                                   static_cast<std::size_t>(std::min(kColumns, width - column)),
                                   normalise(layer_, activation_, column));
    }
}

void ActivateOperation::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const auto [first, last] = share_of(to->ne[1], thread, threads);
    for (std::int64_t row = first; row < last; ++row) {
        vectors::activate(numbers_of(x) + row * row_of(x), numbers_of(to) + row * row_of(to),
                          static_cast<std::size_t>(to->ne[0]), activation_);
    }
}

}  // namespace titans::engine
