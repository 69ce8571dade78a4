#include "engine/layers/norm_operation.h"

#include <algorithm>
#include <numeric>

#include "engine/layers/vector_math.h"

namespace titans::engine {
namespace {

constexpr std::int64_t kColumns = 64;  // that are normalised at once

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

void ModulatedNorm::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const vectors::Normalise how{.scale = numbers_of(to->src[1]),
                                 .shift = numbers_of(to->src[2]),
                                 .epsilon = epsilon_,
                                 .more = 1};
    const auto [first, last] = share_of(to->ne[1], thread, threads);
    for (std::int64_t row = first; row < last; ++row) {
        vectors::normalise_row(numbers_of(x) + row * row_of(x), numbers_of(to) + row * row_of(to),
                               static_cast<std::size_t>(to->ne[0]), how);
    }
}

void ColumnLengths::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const std::int64_t time = x->ne[1] / sequences_;
    const std::int64_t parts = (to->ne[0] + kColumns - 1) / kColumns;
    const auto [first, last] = share_of(sequences_ * parts, thread, threads);
    for (std::int64_t unit = first; unit < last; ++unit) {
        const std::int64_t sequence = unit / parts;
        const std::int64_t column = unit % parts * kColumns;
        vectors::column_lengths(numbers_of(x) + sequence * time * row_of(x) + column,
                                static_cast<std::size_t>(row_of(x)), static_cast<std::size_t>(time),
                                static_cast<std::size_t>(std::min(kColumns, to->ne[0] - column)),
                                numbers_of(to) + sequence * row_of(to) + column);
    }
}

ResponseNorm::ResponseNorm(Workspace& workspace, const Norm& layer, const ggml_tensor* x,
                           std::int64_t sequences)
    : workspace_(workspace), layer_(layer), sequences_(sequences) {
    workspace.reserve(static_cast<std::size_t>(x->ne[0]) * sizeof(float));
}

void ResponseNorm::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const ggml_tensor* lengths = to->src[1];
    const std::int64_t width = to->ne[0];
    const std::int64_t time = to->ne[1] / sequences_;
    auto* factors = reinterpret_cast<float*>(workspace_.memory(thread));
    const auto [first, last] = share_of(to->ne[1], thread, threads);
    for (std::int64_t row = first; row < last; ++row) {
        if (row == first || row % time == 0) {
            const float* own = numbers_of(lengths) + row / time * row_of(lengths);
            const double total = std::accumulate(own, own + width, 0.0);
            const float factor =
                1 / (static_cast<float>(total / static_cast<double>(width)) + layer_.epsilon);
            for (std::int64_t i = 0; i < width; ++i)
                factors[i] = 1 + numbers_of(layer_.scale)[i] * own[i] * factor;
        }
        vectors::scale_and_shift(numbers_of(x) + row * row_of(x), factors, numbers_of(layer_.shift),
                                 numbers_of(to) + row * row_of(to),
                                 static_cast<std::size_t>(width));
    }
}

void ScaleRows::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* x = to->src[0];
    const ggml_tensor* factors = to->src[1];
    const auto [first, last] = share_of(to->ne[1], thread, threads);
    for (std::int64_t row = first; row < last; ++row) {
        vectors::scale(numbers_of(x) + row * row_of(x), numbers_of(factors)[row * row_of(factors)],
                       static_cast<std::size_t>(to->ne[0]), numbers_of(to) + row * row_of(to));
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
