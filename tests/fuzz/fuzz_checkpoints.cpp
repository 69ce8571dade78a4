// Model files: safetensors, ONNX, CTranslate2, JSON.

#include <nlohmann/json.hpp>

#include "checkpoint/ctranslate2.h"
#include "checkpoint/json_file.h"
#include "checkpoint/onnx.h"
#include "checkpoint/safetensors.h"

using namespace titans;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    static_cast<void>(checkpoint::parse_safetensors(bytes));
    static_cast<void>(checkpoint::parse_onnx(bytes));
    static_cast<void>(checkpoint::parse_ctranslate2(bytes));
    static_cast<void>(checkpoint::parse_json({reinterpret_cast<const char*>(data), size}, 32));
    return 0;
}
