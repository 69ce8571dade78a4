#pragma once

#include <cstdint>

namespace titans::engine {

/// The type of the numbers that the large products of a network are computed in; sums are F32.
enum class Precision : std::uint8_t { F32, Bf16, Int8 };

/// The fastest in which a network keeps its answers on this processor: Bf16 where it multiplies
/// such numbers by itself (AVX512_BF16, AMX), else F32. Obeys ONEDNN_MAX_CPU_ISA.
Precision native_precision();

/// Whether this processor has what our kernels need (AVX2); else ggml's operators compute.
bool has_kernels();

/// What is used where `asked` is: the same where this processor multiplies such numbers by itself
/// (for Int8: VNNI), else native_precision().
Precision computed_precision(Precision asked);

}  // namespace titans::engine
