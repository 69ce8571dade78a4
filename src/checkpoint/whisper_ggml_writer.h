#pragma once

#include <cstdio>
#include <string>
#include <vector>

#include "checkpoint/ctranslate2.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// Writes a Whisper model of CTranslate2's (spec WhisperSpec, float weights) in the format that
/// libwhisper loads (github.com/ggml-org/whisper.cpp, models/README.md): matrices and kernels as
/// F16, the rest as F32. `tokens` are all of the model's in byte-level BPE, the special ones
/// included. Errors: InvalidInput if a tensor is missing or of another shape; Unsupported for
/// quantised weights. Write errors stay in `out`.
Result<void> write_whisper_ggml(const Ctranslate2Model& model,
                                const std::vector<std::string>& tokens, std::FILE* out);

}  // namespace titans::checkpoint
