#include "engine/layers/precision.h"

#include <oneapi/dnnl/dnnl.hpp>

namespace titans::engine {
namespace {

/// The kinds of processor are sets of abilities, one bit each.
bool has([[maybe_unused]] dnnl::cpu_isa wanted) {
#ifdef __x86_64__
    const auto all = static_cast<unsigned>(wanted);
    return (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & all) == all;
#else
    return false;
#endif
}

}  // namespace

Precision native_precision() {
    return has(dnnl::cpu_isa::avx512_core_bf16) ? Precision::Bf16 : Precision::F32;
}

bool has_kernels() { return has(dnnl::cpu_isa::avx2); }

Precision computed_precision(Precision asked) {
    if (asked == Precision::Int8 &&
        (has(dnnl::cpu_isa::avx512_core_vnni) || has(dnnl::cpu_isa::avx2_vnni))) {
        return Precision::Int8;
    }
    if (asked == Precision::F32) return Precision::F32;
    return native_precision();
}

}  // namespace titans::engine
