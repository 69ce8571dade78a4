#include "engine/layers/precision.h"

#include <oneapi/dnnl/dnnl.hpp>

namespace titans::engine {

Precision native_precision() {
    switch (dnnl::get_effective_cpu_isa()) {
        case dnnl::cpu_isa::avx512_core_bf16:
        case dnnl::cpu_isa::avx10_1_512:
        case dnnl::cpu_isa::avx10_1_512_amx:
        case dnnl::cpu_isa::avx10_1_512_amx_fp16:
            return Precision::Bf16;
        default:
            return Precision::F32;
    }
}

}  // namespace titans::engine
