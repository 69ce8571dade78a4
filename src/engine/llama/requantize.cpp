#include "engine/llama/requantize.h"

#include <llama.h>

#include "engine/ggml/backends.h"

namespace titans::engine {

Result<void> requantize(const std::filesystem::path& input, const std::filesystem::path& output) {
    load_backends();
    llama_model_quantize_params parameters = llama_model_quantize_default_params();
    parameters.ftype = LLAMA_FTYPE_MOSTLY_Q8_0;
    parameters.allow_requantize = true;
    const LibraryWords words;
    if (llama_model_quantize(input.c_str(), output.c_str(), &parameters) != 0) {
        return fail(ErrorKind::InvalidInput, "the model file cannot be requantised", words.text());
    }
    return {};
}

}  // namespace titans::engine
