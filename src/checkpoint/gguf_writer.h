#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "checkpoint/tensors.h"
#include "foundation/error.h"

struct gguf_context;

namespace titans::checkpoint {

/// A tensor of a GGUF file that is being made: F32, its axes slowest first.
struct GgufTensor {
    std::string name;
    std::vector<std::int64_t> shape;
    std::vector<float> values;
};

/// Adds `tensors`, whose names, shapes and values GGUF can hold, to what `file` says already, and
/// writes it. Errors: Internal if it cannot be written.
Result<void> write_gguf(gguf_context* file, std::vector<GgufTensor> tensors, std::FILE* out);

/// Writes all `tensors` as a GGUF file of F32 tensors of the same names and shapes, which
/// engine::GgufFile reads. Errors: Unsupported for a type but floating point, more than four axes
/// or a longer name than GGUF has; Internal if it cannot be written.
Result<void> write_gguf(const Tensors& tensors, std::FILE* out);

}  // namespace titans::checkpoint
