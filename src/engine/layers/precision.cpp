#include "engine/layers/precision.h"

#include <oneapi/dnnl/dnnl.hpp>

namespace titans::engine {
namespace {

struct Abilities {
    bool f32 = false;
    bool bf16 = false;
    bool int8 = false;
};

Abilities abilities() {
    switch (dnnl::get_effective_cpu_isa()) {
        case dnnl::cpu_isa::avx512_core_bf16:
        case dnnl::cpu_isa::avx10_1_512:
        case dnnl::cpu_isa::avx10_1_512_amx:
        case dnnl::cpu_isa::avx10_1_512_amx_fp16:
            return {.f32 = true, .bf16 = true, .int8 = true};
        case dnnl::cpu_isa::avx512_core_vnni:
        case dnnl::cpu_isa::avx2_vnni:
        case dnnl::cpu_isa::avx2_vnni_2:
            return {.f32 = true, .int8 = true};
        case dnnl::cpu_isa::avx512_core:
        case dnnl::cpu_isa::avx2:
            return {.f32 = true};
        default:
            return {};
    }
}

}  // namespace

Precision native_precision() { return abilities().bf16 ? Precision::Bf16 : Precision::F32; }

bool has_kernels() { return abilities().f32; }

Precision computed_precision(Precision asked) {
    const Abilities able = abilities();
    if (asked == Precision::Int8 && able.int8) return Precision::Int8;
    if (asked == Precision::F32) return Precision::F32;
    return native_precision();
}

}  // namespace titans::engine
