#pragma once

#include <filesystem>

#include "foundation/error.h"

namespace titans::engine {

/// Writes the language model of the GGUF file `input` to `output` with its matrices as Q8_0,
/// whatever their type is. For types without repacked kernels (Q4_1, Q5_0, Q5_1): prompts are read
/// several times faster, nothing more is lost. Takes all cores. A failure may leave a part of
/// `output`. Errors: InvalidInput if `input` is no model that libllama reads, with libllama's words
/// in `detail`.
Result<void> requantize(const std::filesystem::path& input, const std::filesystem::path& output);

}  // namespace titans::engine
