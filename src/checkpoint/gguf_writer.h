#pragma once

#include <cstdio>

#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// Writes all `tensors` as a GGUF file of F32 tensors of the same names and shapes, which
/// engine::GgufFile reads. Errors: Unsupported for a type but floating point, more than four axes
/// or a longer name than GGUF has; Internal if it cannot be written.
Result<void> write_gguf(const Tensors& tensors, std::FILE* out);

}  // namespace titans::checkpoint
