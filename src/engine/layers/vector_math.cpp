#include "engine/layers/vector_math.h"

#include <oneapi/dnnl/dnnl.hpp>
#include <utility>

// Each kind of processor has its own functions, compiled for it: with AVX-512, with AVX2, or any.
#define TITANS_INLINE [[gnu::always_inline]] inline

namespace titans::engine::vectors {
namespace {

/// One of each.
struct Functions {
    void (*to_bf16)(const float* from, Bf16* to, std::size_t count);
    void (*from_bf16)(const Bf16* from, float* to, std::size_t count);
    void (*from_f16)(const std::uint16_t* from, float* to, std::size_t count);
    float (*largest_magnitude)(const float* values, std::size_t count);
    void (*to_bytes)(const float* from, float factor, int offset, std::uint8_t* to,
                     std::size_t count);
    void (*transpose_16)(const std::uint32_t* from, std::size_t from_row, std::uint32_t* to,
                         std::size_t to_row, std::size_t count);
    void (*interleave)(const float* first, const float* second, Bf16* to, std::size_t count);
    void (*interleave_bf16)(const Bf16* first, const Bf16* second, Bf16* to, std::size_t count);
    void (*finish)(const float* tile, std::size_t rows, std::size_t width, const Finish& finish);
    void (*finish_bytes)(const float* tile, std::size_t rows, std::size_t width,
                         const Scales& scales, const Finish& finish);
    void (*add)(const float* a, const float* b, float* to, std::size_t count);
    void (*activate)(const float* from, float* to, std::size_t count, Activation activation);
    void (*normalise_row)(const float* from, float* to, std::size_t width, const Normalise& how);
    void (*normalise_columns)(const float* from, std::size_t from_row, float* to,
                              std::size_t to_row, std::size_t rows, std::size_t width,
                              const Normalise& how);
    void (*column_lengths)(const float* from, std::size_t from_row, std::size_t rows,
                           std::size_t width, float* to);
    void (*scale_and_shift)(const float* from, const float* factor, const float* shift, float* to,
                            std::size_t count);
    void (*rotate)(const float* from, const float* turns, float* to, std::size_t count);
    void (*rotate_bf16)(const float* from, const float* turns, Bf16* to, std::size_t count);
    float (*soften)(const float* scores, float scale, std::size_t count, std::size_t padded,
                    float* to);
    float (*soften_bf16)(const float* scores, float scale, std::size_t count, std::size_t padded,
                         Bf16* to);
    void (*scale)(float* values, float factor, std::size_t count);
    void (*scale_to)(const float* from, float factor, std::size_t count, float* to);
    void (*score_keys)(const float* query, const float* keys, std::size_t row, std::size_t width,
                       std::size_t count, float* scores);
    void (*score_keys_bf16)(const float* query, const Bf16* keys, std::size_t row,
                            std::size_t width, std::size_t count, float* scores);
    void (*mix_values)(const float* shares, const float* values, std::size_t row, std::size_t width,
                       std::size_t count, float* to);
    void (*mix_values_bf16)(const float* shares, const Bf16* values, std::size_t row,
                            std::size_t width, std::size_t count, float* to);
    void (*convolve_channels)(const float* from, std::size_t from_step, const float* kernel,
                              std::size_t taps, const float* bias, std::size_t width, float* to);
};

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TITANS_PROCESSORS

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4")
namespace avx512 {
#define TITANS_VECTOR_BYTES 64
#include "engine/layers/vector_math_functions.inc"
#undef TITANS_VECTOR_BYTES
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v4,avx512bf16")
namespace avx512_bf16 {
#define TITANS_VECTOR_BYTES 64
#define TITANS_ROUNDS_TO_BF16
#include "engine/layers/vector_math_functions.inc"
#undef TITANS_ROUNDS_TO_BF16
#undef TITANS_VECTOR_BYTES
}  // namespace avx512_bf16
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("arch=x86-64-v3")
namespace avx2 {
#define TITANS_VECTOR_BYTES 32
#include "engine/layers/vector_math_functions.inc"
#undef TITANS_VECTOR_BYTES
}  // namespace avx2
#pragma GCC pop_options
#endif

namespace any {
#define TITANS_VECTOR_BYTES 16
#include "engine/layers/vector_math_functions.inc"
#undef TITANS_VECTOR_BYTES
}  // namespace any

/// As the products' kernels: ONEDNN_MAX_CPU_ISA holds for both.
const Functions& choose() {
#ifdef TITANS_PROCESSORS
    const auto has = [](dnnl::cpu_isa wanted) {
        const auto all = static_cast<unsigned>(wanted);
        return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & all) == all;
    };
    if (has(dnnl::cpu_isa::avx512_core_bf16)) return avx512_bf16::kFunctions;
    if (has(dnnl::cpu_isa::avx512_core)) return avx512::kFunctions;
    if (has(dnnl::cpu_isa::avx2)) return avx2::kFunctions;
#endif
    return any::kFunctions;
}

const Functions& functions() {
    static const Functions& chosen = choose();
    return chosen;
}

}  // namespace

void to_bf16(const float* from, Bf16* to, std::size_t count) {
    functions().to_bf16(from, to, count);
}

void from_bf16(const Bf16* from, float* to, std::size_t count) {
    functions().from_bf16(from, to, count);
}

void from_f16(const std::uint16_t* from, float* to, std::size_t count) {
    functions().from_f16(from, to, count);
}

float largest_magnitude(const float* values, std::size_t count) {
    return functions().largest_magnitude(values, count);
}

void to_bytes(const float* from, float factor, int offset, std::uint8_t* to, std::size_t count) {
    functions().to_bytes(from, factor, offset, to, count);
}

void transpose_16(const std::uint32_t* from, std::size_t from_row, std::uint32_t* to,
                  std::size_t to_row, std::size_t count) {
    functions().transpose_16(from, from_row, to, to_row, count);
}

void interleave(const float* first, const float* second, Bf16* to, std::size_t count) {
    functions().interleave(first, second, to, count);
}

void interleave(const Bf16* first, const Bf16* second, Bf16* to, std::size_t count) {
    functions().interleave_bf16(first, second, to, count);
}

void finish(const float* tile, std::size_t rows, std::size_t width, const Finish& finish) {
    functions().finish(tile, rows, width, finish);
}

void finish_bytes(const float* tile, std::size_t rows, std::size_t width, const Scales& scales,
                  const Finish& finish) {
    functions().finish_bytes(tile, rows, width, scales, finish);
}

void add(const float* a, const float* b, float* to, std::size_t count) {
    functions().add(a, b, to, count);
}

void activate(const float* from, float* to, std::size_t count, Activation activation) {
    functions().activate(from, to, count, activation);
}

void normalise_row(const float* from, float* to, std::size_t width, const Normalise& how) {
    functions().normalise_row(from, to, width, how);
}

void normalise_columns(const float* from, std::size_t from_row, float* to, std::size_t to_row,
                       std::size_t rows, std::size_t width, const Normalise& how) {
    functions().normalise_columns(from, from_row, to, to_row, rows, width, how);
}

void column_lengths(const float* from, std::size_t from_row, std::size_t rows, std::size_t width,
                    float* to) {
    functions().column_lengths(from, from_row, rows, width, to);
}

void scale_and_shift(const float* from, const float* factor, const float* shift, float* to,
                     std::size_t count) {
    functions().scale_and_shift(from, factor, shift, to, count);
}

void rotate(const float* from, const float* turns, float* to, std::size_t count) {
    functions().rotate(from, turns, to, count);
}

void rotate(const float* from, const float* turns, Bf16* to, std::size_t count) {
    functions().rotate_bf16(from, turns, to, count);
}

float soften(const float* scores, float scale, std::size_t count, std::size_t padded, float* to) {
    return functions().soften(scores, scale, count, padded, to);
}

float soften(const float* scores, float scale, std::size_t count, std::size_t padded, Bf16* to) {
    return functions().soften_bf16(scores, scale, count, padded, to);
}

void scale(float* values, float factor, std::size_t count) {
    functions().scale(values, factor, count);
}

void scale(const float* from, float factor, std::size_t count, float* to) {
    functions().scale_to(from, factor, count, to);
}

void score_keys(const float* query, const float* keys, std::size_t row, std::size_t width,
                std::size_t count, float* scores) {
    functions().score_keys(query, keys, row, width, count, scores);
}

void score_keys(const float* query, const Bf16* keys, std::size_t row, std::size_t width,
                std::size_t count, float* scores) {
    functions().score_keys_bf16(query, keys, row, width, count, scores);
}

void mix_values(const float* shares, const float* values, std::size_t row, std::size_t width,
                std::size_t count, float* to) {
    functions().mix_values(shares, values, row, width, count, to);
}

void mix_values(const float* shares, const Bf16* values, std::size_t row, std::size_t width,
                std::size_t count, float* to) {
    functions().mix_values_bf16(shares, values, row, width, count, to);
}

void convolve_channels(const float* from, std::size_t from_step, const float* kernel,
                       std::size_t taps, const float* bias, std::size_t width, float* to) {
    functions().convolve_channels(from, from_step, kernel, taps, bias, width, to);
}

}  // namespace titans::engine::vectors
