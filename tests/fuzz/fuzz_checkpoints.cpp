// Model files: safetensors, ONNX, CTranslate2, PyTorch and its pickles and archives, JSON, YAML.

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "checkpoint/ctranslate2.h"
#include "checkpoint/json_file.h"
#include "checkpoint/onnx.h"
#include "checkpoint/pickle.h"
#include "checkpoint/pytorch_file.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/yaml_file.h"

using namespace titans;

namespace {

/// Reads all bytes of all tensors: what they claim must be there.
void read_all(const checkpoint::Tensors& tensors) {
    unsigned sum = 0;
    for (const std::string_view name : tensors.names()) {
        const auto tensor = tensors.tensor(name);
        if (!tensor) std::abort();
        for (const std::byte byte : tensor->bytes) sum += std::to_integer<unsigned>(byte);
    }
    volatile unsigned kept = sum;
    static_cast<void>(kept);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    if (const auto tensors = checkpoint::parse_safetensors(bytes)) read_all(*tensors);
    static_cast<void>(checkpoint::parse_onnx(bytes));
    if (const auto model = checkpoint::parse_ctranslate2(bytes)) read_all(model->tensors);
    if (const auto file = checkpoint::parse_pytorch(bytes)) read_all(file->tensors);
    static_cast<void>(checkpoint::parse_pickle(bytes));
    static_cast<void>(checkpoint::parse_json({reinterpret_cast<const char*>(data), size}, 32));
    static_cast<void>(checkpoint::parse_yaml({reinterpret_cast<const char*>(data), size}));
    return 0;
}
