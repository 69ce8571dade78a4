#include "engine/layers/vector_math.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

// Vectors of 16 numbers, which the compiler maps to what each processor has: one register with
// AVX-512, two with AVX2.
#if defined(__x86_64__)
#define TITANS_FOR_EACH_PROCESSOR \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TITANS_FOR_EACH_PROCESSOR
#endif
#define TITANS_INLINE [[gnu::always_inline]] inline

namespace titans::engine::vectors {
namespace {

constexpr std::size_t kLanes = 16;
using Vector = float __attribute__((vector_size(64)));
using Integers = std::int32_t __attribute__((vector_size(64)));
using Words = std::uint32_t __attribute__((vector_size(64)));
using Halves = std::uint16_t __attribute__((vector_size(32)));
using Bytes = std::uint8_t __attribute__((vector_size(16)));

template <typename To, typename From>
TITANS_INLINE To cast(const From& from) {
    return std::bit_cast<To>(from);
}

TITANS_INLINE Vector all(float value) { return Vector{} + value; }

TITANS_INLINE Vector load(const float* from) {
    Vector vector;
    std::memcpy(&vector, from, sizeof(vector));
    return vector;
}

TITANS_INLINE Vector load(const Bf16* from) {
    Halves halves;
    std::memcpy(&halves, from, sizeof(halves));
    return cast<Vector>(__builtin_convertvector(halves, Words) << 16U);
}

/// The first `count` numbers, then zeros.
template <typename Number>
TITANS_INLINE Vector load_part(const Number* from, std::size_t count) {
    Number part[kLanes] = {};
    for (std::size_t i = 0; i < count; ++i) part[i] = from[i];
    return load(part);
}

TITANS_INLINE void store(float* to, const Vector& vector) {
    std::memcpy(to, &vector, sizeof(vector));
}

TITANS_INLINE void store(Bf16* to, const Vector& vector) {
    const Words bits = cast<Words>(vector);
    // To nearest, ties to even.
    const Words rounded = (bits + 0x7FFFU + ((bits >> 16U) & 1U)) >> 16U;
    const Halves halves = __builtin_convertvector(rounded, Halves);
    std::memcpy(to, &halves, sizeof(halves));
}

template <typename Number>
TITANS_INLINE void store_part(Number* to, const Vector& vector, std::size_t count) {
    Number part[kLanes];
    store(part, vector);
    for (std::size_t i = 0; i < count; ++i) to[i] = part[i];
}

TITANS_INLINE Vector larger(const Vector& a, const Vector& b) { return a > b ? a : b; }
TITANS_INLINE Vector smaller(const Vector& a, const Vector& b) { return a < b ? a : b; }
TITANS_INLINE Vector magnitude(const Vector& x) {
    return cast<Vector>(cast<Words>(x) & 0x7FFFFFFFU);
}

TITANS_INLINE float sum(const Vector& x) {
    float lanes[kLanes];
    store(lanes, x);
    float eight[8];
    for (int i = 0; i < 8; ++i) eight[i] = lanes[i] + lanes[i + 8];
    float four[4];
    for (int i = 0; i < 4; ++i) four[i] = eight[i] + eight[i + 4];
    return (four[0] + four[2]) + (four[1] + four[3]);
}

TITANS_INLINE float largest(const Vector& x) {
    float lanes[kLanes];
    store(lanes, x);
    float result = lanes[0];
    for (const float lane : lanes) result = lane > result ? lane : result;
    return result;
}

/// Adding and taking away 1.5 * 2^23 leaves the nearest integer.
constexpr float kRounding = 12582912.0F;

/// e^x, within 2 units of the last place; 0 below the smallest normal number.
TITANS_INLINE Vector exp(const Vector& given) {
    constexpr float kLowest = -87.3F;
    const Vector x = smaller(larger(given, all(kLowest)), all(88.0F));
    const Vector shifted = x * 1.44269504F + kRounding;
    const Vector whole = shifted - kRounding;
    // x - whole * ln 2, in two parts so that nothing is lost.
    Vector rest = x - whole * 0.693145752F;
    rest = rest - whole * 1.42860677e-6F;
    // e^rest for |rest| <= ln(2) / 2 by its series.
    Vector series = all(1.0F / 5040);
    series = series * rest + 1.0F / 720;
    series = series * rest + 1.0F / 120;
    series = series * rest + 1.0F / 24;
    series = series * rest + 1.0F / 6;
    series = series * rest + 0.5F;
    series = series * rest + 1.0F;
    series = series * rest + 1.0F;
    const Integers exponent = cast<Integers>(shifted) << 23;
    const Vector result = cast<Vector>(cast<Integers>(series) + exponent);
    return given < all(kLowest) ? Vector{} : result;
}

/// x Phi(x). The error function by Abramowitz and Stegun's formula 7.1.26, whose error is below
/// 1.5e-7.
TITANS_INLINE Vector gelu_erf(const Vector& x) {
    const Vector size = magnitude(x) * 0.707106781F;
    const Vector t = 1.0F / (size * 0.3275911F + 1.0F);
    Vector series = t * 1.061405429F - 1.453152027F;
    series = series * t + 1.421413741F;
    series = series * t - 0.284496736F;
    series = series * t + 0.254829592F;
    const Vector rest = series * t * exp(-size * size);  // 1 - erf(size)
    const Vector positive = x - x * rest * 0.5F;
    const Vector negative = x * rest * 0.5F;
    return x < Vector{} ? negative : positive;
}

TITANS_INLINE Vector gelu_tanh(const Vector& x) {
    // (1 + tanh(u)) / 2 = 1 / (1 + e^-2u)
    const Vector twice = x * (x * x * 0.044715F + 1.0F) * 1.59576912F;
    return x / (exp(-twice) + 1.0F);
}

template <Activation kActivation>
TITANS_INLINE Vector activated(const Vector& x) {
    if constexpr (kActivation == Activation::GeluErf) return gelu_erf(x);
    if constexpr (kActivation == Activation::GeluTanh) return gelu_tanh(x);
    return x;
}

/// step(i, count) for every 16 numbers of `width`: count is 16, but for what remains at the end.
template <typename Step>
TITANS_INLINE void in_steps(std::size_t width, Step step) {
    std::size_t i = 0;
    for (; i + kLanes <= width; i += kLanes) step(i, kLanes);
    if (i < width) step(i, width - i);
}

template <typename Number>
TITANS_INLINE Vector get(const Number* from, std::size_t count) {
    return count == kLanes ? load(from) : load_part(from, count);
}

template <typename Number>
TITANS_INLINE void put(Number* to, const Vector& vector, std::size_t count) {
    if (count == kLanes) {
        store(to, vector);
    } else {
        store_part(to, vector, count);
    }
}

template <Activation kActivation>
TITANS_INLINE void finish_as(float* tile, std::size_t row, std::size_t rows, std::size_t width,
                             const Finish& how) {
    for (std::size_t r = 0; r < rows; ++r) {
        float* values = tile + r * row;
        const float* more = how.add == nullptr ? nullptr : how.add + r * how.add_row;
        in_steps(width, [&](std::size_t i, std::size_t count) __attribute__((always_inline)) {
            Vector value = get(values + i, count);
            if (how.bias != nullptr) value += get(how.bias + i, count);
            value = activated<kActivation>(value);
            if (more != nullptr) value += get(more + i, count);
            put(values + i, value, count);
        });
    }
}

template <Activation kActivation>
TITANS_INLINE void finish_bytes_as(float* tile, std::size_t row, std::size_t rows,
                                   std::size_t width, const Scales& scales, const Finish& how) {
    for (std::size_t r = 0; r < rows; ++r) {
        float* values = tile + r * row;
        const float* more = how.add == nullptr ? nullptr : how.add + r * how.add_row;
        const float of_row = scales.of_rows[r];
        in_steps(width, [&](std::size_t i, std::size_t count) __attribute__((always_inline)) {
            const Integers sums =
                cast<Integers>(get(values + i, count)) -
                cast<Integers>(get(reinterpret_cast<const float*>(scales.offsets + i), count));
            Vector value = __builtin_convertvector(sums, Vector) *
                           (get(scales.of_columns + i, count) * of_row);
            if (how.bias != nullptr) value += get(how.bias + i, count);
            value = activated<kActivation>(value);
            if (more != nullptr) value += get(more + i, count);
            put(values + i, value, count);
        });
    }
}

template <Activation kActivation>
TITANS_INLINE void activate_as(const float* from, float* to, std::size_t count) {
    in_steps(count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        put(to + i, activated<kActivation>(get(from + i, n)), n);
    });
}

template <Activation kActivation>
TITANS_INLINE void normalise_row_as(const float* from, float* to, std::size_t width,
                                    const Normalise& how) {
    Vector total{};
    in_steps(width, [&](std::size_t i, std::size_t n)
                        __attribute__((always_inline)) { total += get(from + i, n); });
    const auto length = static_cast<float>(width);
    const float mean = sum(total) / length;
    Vector square{};
    in_steps(width, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        Vector difference = get(from + i, n) - mean;
        if (n != kLanes) {
            float kept[kLanes] = {};
            store_part(kept, difference, n);
            difference = load(kept);
        }
        square += difference * difference;
    });
    const float factor = 1.0F / std::sqrt(sum(square) / length + how.epsilon);
    in_steps(width, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        const Vector value =
            (get(from + i, n) - mean) * factor * get(how.scale + i, n) + get(how.shift + i, n);
        put(to + i, activated<kActivation>(value), n);
    });
}

constexpr std::size_t kMostColumns = 64;

template <Activation kActivation>
TITANS_INLINE void normalise_columns_as(const float* from, std::size_t from_row, float* to,
                                        std::size_t to_row, std::size_t rows, std::size_t width,
                                        const Normalise& how) {
    constexpr std::size_t kVectors = kMostColumns / kLanes;
    // Mean and sum of squares block by block, each about its own mean, so that F32 suffices.
    constexpr std::size_t kBlock = 256;
    Vector mean[kVectors] = {};
    Vector square[kVectors] = {};
    const std::size_t vectors = (width + kLanes - 1) / kLanes;
    const auto lanes = [&](std::size_t v) { return std::min(kLanes, width - v * kLanes); };
    for (std::size_t first = 0; first < rows; first += kBlock) {
        const std::size_t count = std::min(kBlock, rows - first);
        const auto length = static_cast<float>(count);
        const auto before = static_cast<float>(first);
        for (std::size_t v = 0; v < vectors; ++v) {
            const float* column = from + first * from_row + v * kLanes;
            const std::size_t n = lanes(v);
            Vector total{};
            for (std::size_t r = 0; r < count; ++r) total += get(column + r * from_row, n);
            const Vector own = total / length;
            Vector own_square{};
            for (std::size_t r = 0; r < count; ++r) {
                const Vector difference = get(column + r * from_row, n) - own;
                own_square += difference * difference;
            }
            const Vector apart = own - mean[v];
            const float share = length / (before + length);
            mean[v] += apart * share;
            square[v] += own_square + apart * apart * (before * share);
        }
    }
    const auto length = static_cast<float>(rows);
    Vector factor[kVectors];
    Vector shift[kVectors];
    for (std::size_t v = 0; v < vectors; ++v) {
        const Vector deviation = square[v] / length + how.epsilon;
        float roots[kLanes];
        store(roots, deviation);
        for (float& root : roots) root = 1.0F / std::sqrt(root);
        factor[v] = load(roots) * get(how.scale + v * kLanes, lanes(v));
        shift[v] = get(how.shift + v * kLanes, lanes(v)) - mean[v] * factor[v];
    }
    for (std::size_t r = 0; r < rows; ++r) {
        for (std::size_t v = 0; v < vectors; ++v) {
            const Vector value =
                get(from + r * from_row + v * kLanes, lanes(v)) * factor[v] + shift[v];
            put(to + r * to_row + v * kLanes, activated<kActivation>(value), lanes(v));
        }
    }
}

template <typename Number>
TITANS_INLINE float soften_as(const float* scores, float scale, std::size_t count,
                              std::size_t padded, Number* to) {
    if (count == 0) {
        std::fill(to, to + padded, Number{});
        return 0;
    }
    Vector top = all(scores[0]);
    std::size_t i = 0;
    for (; i + kLanes <= count; i += kLanes) top = larger(top, load(scores + i));
    for (; i < count; ++i) top = larger(top, all(scores[i]));
    const float shift = largest(top) * scale;
    Vector total{};
    for (i = 0; i + kLanes <= count; i += kLanes) {
        const Vector value = exp(load(scores + i) * scale - shift);
        total += value;
        store(to + i, value);
    }
    if (i < count) {
        float part[kLanes] = {};
        store_part(part, exp(load_part(scores + i, count - i) * scale - shift), count - i);
        total += load(part);
        put(to + i, load(part), count - i);
    }
    std::fill(to + count, to + padded, Number{});
    return sum(total);
}

template <typename Number>
TITANS_INLINE void score_keys_as(const float* query, const Number* keys, std::size_t row,
                                 std::size_t width, std::size_t count, float* scores) {
    constexpr std::size_t kCommon = 64;
    if (width == kCommon) {
        const Vector a = load(query);
        const Vector b = load(query + 16);
        const Vector c = load(query + 32);
        const Vector d = load(query + 48);
        for (std::size_t key = 0; key < count; ++key) {
            const Number* at = keys + key * row;
            scores[key] =
                sum((a * load(at) + b * load(at + 16)) + (c * load(at + 32) + d * load(at + 48)));
        }
        return;
    }
    for (std::size_t key = 0; key < count; ++key) {
        const Number* at = keys + key * row;
        Vector total{};
        in_steps(width, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
            total += get(query + i, n) * get(at + i, n);
        });
        scores[key] = sum(total);
    }
}

template <typename Number>
TITANS_INLINE void mix_values_as(const float* shares, float factor, const Number* values,
                                 std::size_t row, std::size_t width, std::size_t count, float* to) {
    std::size_t i = 0;
    constexpr std::size_t kWide = 64;
    for (; i + kWide <= width; i += kWide) {
        Vector a{};
        Vector b{};
        Vector c{};
        Vector d{};
        for (std::size_t key = 0; key < count; ++key) {
            const Number* at = values + key * row + i;
            const float share = shares[key];
            a += load(at) * share;
            b += load(at + 16) * share;
            c += load(at + 32) * share;
            d += load(at + 48) * share;
        }
        store(to + i, a * factor);
        store(to + i + 16, b * factor);
        store(to + i + 32, c * factor);
        store(to + i + 48, d * factor);
    }
    for (; i < width; i += kLanes) {
        const std::size_t n = std::min(kLanes, width - i);
        Vector total{};
        for (std::size_t key = 0; key < count; ++key)
            total += get(values + key * row + i, n) * shares[key];
        put(to + i, total * factor, n);
    }
}

}  // namespace

TITANS_FOR_EACH_PROCESSOR
void to_bf16(const float* from, Bf16* to, std::size_t count) {
    in_steps(count, [&](std::size_t i, std::size_t n)
                        __attribute__((always_inline)) { put(to + i, get(from + i, n), n); });
}

TITANS_FOR_EACH_PROCESSOR
void from_bf16(const Bf16* from, float* to, std::size_t count) {
    in_steps(count, [&](std::size_t i, std::size_t n)
                        __attribute__((always_inline)) { put(to + i, get(from + i, n), n); });
}

TITANS_FOR_EACH_PROCESSOR
void from_f16(const std::uint16_t* from, float* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) to[i] = static_cast<float>(cast<_Float16>(from[i]));
}

TITANS_FOR_EACH_PROCESSOR
float largest_magnitude(const float* values, std::size_t count) {
    Vector top{};
    in_steps(count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        top = larger(top, magnitude(get(values + i, n)));
    });
    return largest(top);
}

TITANS_FOR_EACH_PROCESSOR
void to_bytes(const float* from, float factor, int offset, std::uint8_t* to, std::size_t count) {
    in_steps(count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        const Vector rounded = get(from + i, n) * factor + kRounding - kRounding;
        const Bytes bytes =
            __builtin_convertvector(__builtin_convertvector(rounded, Integers) + offset, Bytes);
        std::memcpy(to + i, &bytes, n);
    });
}

TITANS_FOR_EACH_PROCESSOR
void transpose_16(const std::uint32_t* from, std::size_t from_row, std::uint32_t* to,
                  std::size_t to_row, std::size_t count) {
    for (std::size_t w = 0; w < count; ++w) {
        Words words;
        for (std::size_t lane = 0; lane < kLanes; ++lane) words[lane] = from[lane * from_row + w];
        std::memcpy(to + w * to_row, &words, sizeof(words));
    }
}

TITANS_FOR_EACH_PROCESSOR
void interleave(const Bf16* first, const Bf16* second, Bf16* to, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
        to[2 * i] = first[i];
        to[2 * i + 1] = second[i];
    }
}

TITANS_FOR_EACH_PROCESSOR
void finish(float* tile, std::size_t row, std::size_t rows, std::size_t width, const Finish& how) {
    switch (how.activation) {
        case Activation::None:
            return finish_as<Activation::None>(tile, row, rows, width, how);
        case Activation::GeluErf:
            return finish_as<Activation::GeluErf>(tile, row, rows, width, how);
        case Activation::GeluTanh:
            return finish_as<Activation::GeluTanh>(tile, row, rows, width, how);
    }
}

TITANS_FOR_EACH_PROCESSOR
void finish_bytes(float* tile, std::size_t row, std::size_t rows, std::size_t width,
                  const Scales& scales, const Finish& how) {
    switch (how.activation) {
        case Activation::None:
            return finish_bytes_as<Activation::None>(tile, row, rows, width, scales, how);
        case Activation::GeluErf:
            return finish_bytes_as<Activation::GeluErf>(tile, row, rows, width, scales, how);
        case Activation::GeluTanh:
            return finish_bytes_as<Activation::GeluTanh>(tile, row, rows, width, scales, how);
    }
}

TITANS_FOR_EACH_PROCESSOR
void add(const float* a, const float* b, float* to, std::size_t count) {
    in_steps(count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        put(to + i, get(a + i, n) + get(b + i, n), n);
    });
}

TITANS_FOR_EACH_PROCESSOR
void activate(const float* from, float* to, std::size_t count, Activation activation) {
    switch (activation) {
        case Activation::None:
            return activate_as<Activation::None>(from, to, count);
        case Activation::GeluErf:
            return activate_as<Activation::GeluErf>(from, to, count);
        case Activation::GeluTanh:
            return activate_as<Activation::GeluTanh>(from, to, count);
    }
}

TITANS_FOR_EACH_PROCESSOR
void normalise_row(const float* from, float* to, std::size_t width, const Normalise& how) {
    switch (how.activation) {
        case Activation::None:
            return normalise_row_as<Activation::None>(from, to, width, how);
        case Activation::GeluErf:
            return normalise_row_as<Activation::GeluErf>(from, to, width, how);
        case Activation::GeluTanh:
            return normalise_row_as<Activation::GeluTanh>(from, to, width, how);
    }
}

TITANS_FOR_EACH_PROCESSOR
void normalise_columns(const float* from, std::size_t from_row, float* to, std::size_t to_row,
                       std::size_t rows, std::size_t width, const Normalise& how) {
    switch (how.activation) {
        case Activation::None:
            return normalise_columns_as<Activation::None>(from, from_row, to, to_row, rows, width,
                                                          how);
        case Activation::GeluErf:
            return normalise_columns_as<Activation::GeluErf>(from, from_row, to, to_row, rows,
                                                             width, how);
        case Activation::GeluTanh:
            return normalise_columns_as<Activation::GeluTanh>(from, from_row, to, to_row, rows,
                                                              width, how);
    }
}

TITANS_FOR_EACH_PROCESSOR
float soften(const float* scores, float scale, std::size_t count, std::size_t padded, float* to) {
    return soften_as(scores, scale, count, padded, to);
}

TITANS_FOR_EACH_PROCESSOR
float soften(const float* scores, float scale, std::size_t count, std::size_t padded, Bf16* to) {
    return soften_as(scores, scale, count, padded, to);
}

TITANS_FOR_EACH_PROCESSOR
void scale(float* values, float factor, std::size_t count) {
    in_steps(count, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        put(values + i, get(values + i, n) * factor, n);
    });
}

TITANS_FOR_EACH_PROCESSOR
void score_keys(const float* query, const float* keys, std::size_t row, std::size_t width,
                std::size_t count, float* scores) {
    score_keys_as(query, keys, row, width, count, scores);
}

TITANS_FOR_EACH_PROCESSOR
void score_keys(const float* query, const Bf16* keys, std::size_t row, std::size_t width,
                std::size_t count, float* scores) {
    score_keys_as(query, keys, row, width, count, scores);
}

TITANS_FOR_EACH_PROCESSOR
void mix_values(const float* shares, float factor, const float* values, std::size_t row,
                std::size_t width, std::size_t count, float* to) {
    mix_values_as(shares, factor, values, row, width, count, to);
}

TITANS_FOR_EACH_PROCESSOR
void mix_values(const float* shares, float factor, const Bf16* values, std::size_t row,
                std::size_t width, std::size_t count, float* to) {
    mix_values_as(shares, factor, values, row, width, count, to);
}

TITANS_FOR_EACH_PROCESSOR
void convolve_channels(const float* from, std::size_t from_step, const float* kernel,
                       std::size_t taps, const float* bias, std::size_t width, float* to) {
    in_steps(width, [&](std::size_t i, std::size_t n) __attribute__((always_inline)) {
        Vector total = bias == nullptr ? Vector{} : get(bias + i, n);
        for (std::size_t tap = 0; tap < taps; ++tap)
            total += get(from + tap * from_step + i, n) * get(kernel + tap * width + i, n);
        put(to + i, total, n);
    });
}

}  // namespace titans::engine::vectors
