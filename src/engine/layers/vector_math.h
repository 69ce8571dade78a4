#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/layers/activation.h"

namespace titans::engine::vectors {

// What is done to many numbers at once between the large products. Compiled for several kinds of
// processor, of which each takes its best at the start.

/// A number of BF16: the upper half of an F32, rounded to nearest.
using Bf16 = std::uint16_t;

void to_bf16(const float* from, Bf16* to, std::size_t count);
void from_bf16(const Bf16* from, float* to, std::size_t count);
void from_f16(const std::uint16_t* from, float* to, std::size_t count);

float largest_magnitude(const float* values, std::size_t count);
/// to = round(from * factor) + offset, which must be within a byte.
void to_bytes(const float* from, float factor, int offset, std::uint8_t* to, std::size_t count);

/// to[w][lane] = from[lane][w] for 16 lanes; `from` and `to` are the distances between rows.
void transpose_16(const std::uint32_t* from, std::size_t from_row, std::uint32_t* to,
                  std::size_t to_row, std::size_t count);

/// to[2 i] = first[i], to[2 i + 1] = second[i]
void interleave(const float* first, const float* second, Bf16* to, std::size_t count);
void interleave(const Bf16* first, const Bf16* second, Bf16* to, std::size_t count);

/// What follows a product, for the tile of `rows` and `width` of which both are at most 64:
/// to = activation(tile + bias) * gate + add. No bias, no factor, no addend where null.
struct Finish {
    const float* bias = nullptr;
    Activation activation = Activation::None;
    const float* gate = nullptr;  // of a column each
    const float* add = nullptr;
    std::size_t add_row = 0;  // numbers from one row to the next
    float* to = nullptr;
    std::size_t to_row = 0;
    bool large = false;  // all of what `to` is part of leaves the caches before it is read
};
/// Numbers from one row of a tile to the next.
constexpr std::size_t kTileRow = 64;
void finish(const float* tile, std::size_t rows, std::size_t width, const Finish& finish);

/// The same behind a product of bytes, whose sums (of activations offset by 128) lie in `tile` as
/// integers: (sum - offsets[column]) * row_scales[row] * scales[column] is the value.
struct Scales {
    const float* of_rows;
    const float* of_columns;
    const std::int32_t* offsets;
};
void finish_bytes(const float* tile, std::size_t rows, std::size_t width, const Scales& scales,
                  const Finish& finish);

void add(const float* a, const float* b, float* to, std::size_t count);
void activate(const float* from, float* to, std::size_t count, Activation activation);

/// To mean 0 and variance 1, then times (more + scale), shift and activation.
struct Normalise {
    const float* scale;
    const float* shift;
    float epsilon;
    Activation activation = Activation::None;
    float more = 0;
};
void normalise_row(const float* from, float* to, std::size_t width, const Normalise& how);
/// Each column of [rows, width] so; at most 64 columns.
void normalise_columns(const float* from, std::size_t from_row, float* to, std::size_t to_row,
                       std::size_t rows, std::size_t width, const Normalise& how);

/// to[column] = the root of the sum of squares of each column of [rows, width]; at most 64 columns.
void column_lengths(const float* from, std::size_t from_row, std::size_t rows, std::size_t width,
                    float* to);
/// to = from * factor + shift, number by number.
void scale_and_shift(const float* from, const float* factor, const float* shift, float* to,
                     std::size_t count);

/// The pairs (from[2 i], from[2 i + 1]) turned by the angle whose cosine and sine are turns[2 i]
/// and turns[2 i + 1]. count: of numbers, even.
void rotate(const float* from, const float* turns, float* to, std::size_t count);
void rotate(const float* from, const float* turns, Bf16* to, std::size_t count);

/// exp(scale (score - the largest)) of the first `count` scores, zeros up to `padded`. Returns
/// their sum. `to` may be `scores`.
float soften(const float* scores, float scale, std::size_t count, std::size_t padded, float* to);
float soften(const float* scores, float scale, std::size_t count, std::size_t padded, Bf16* to);

void scale(float* values, float factor, std::size_t count);
/// to = factor * from
void scale(const float* from, float factor, std::size_t count, float* to);

/// scores[key] = dot(query, keys[key]) for `count` rows of `width`, `row` apart.
void score_keys(const float* query, const float* keys, std::size_t row, std::size_t width,
                std::size_t count, float* scores);
void score_keys(const float* query, const Bf16* keys, std::size_t row, std::size_t width,
                std::size_t count, float* scores);
/// to += sum of shares[key] * values[key].
void mix_values(const float* shares, const float* values, std::size_t row, std::size_t width,
                std::size_t count, float* to);
void mix_values(const float* shares, const Bf16* values, std::size_t row, std::size_t width,
                std::size_t count, float* to);

/// A convolution of one channel with one kernel each, for the channels side by side: to[channel] =
/// bias + sum over taps of from[tap * from_step + channel] * kernel[tap * width + channel].
void convolve_channels(const float* from, std::size_t from_step, const float* kernel,
                       std::size_t taps, const float* bias, std::size_t width, float* to);

}  // namespace titans::engine::vectors
