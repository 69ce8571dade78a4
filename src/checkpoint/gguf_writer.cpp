#include "checkpoint/gguf_writer.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <format>
#include <vector>

namespace titans::checkpoint {

Result<void> write_gguf(const Tensors& tensors, std::FILE* out) {
    const auto names = tensors.names();
    const gguf_context_ptr file(gguf_init_empty());
    const ggml_context_ptr context(
        ggml_init({.mem_size = (names.size() + 1) * ggml_tensor_overhead(),
                   .mem_buffer = nullptr,
                   .no_alloc = true}));
    std::vector<std::vector<float>> values;  // until they are written
    for (const std::string_view name : names) {
        TITANS_TRY(const TensorView source, tensors.tensor(name));
        TITANS_TRY(std::vector<float> floats, to_f32(source));
        std::vector<std::int64_t> sizes(source.shape.rbegin(), source.shape.rend());
        if (sizes.empty()) sizes.push_back(1);
        if (sizes.size() > GGML_MAX_DIMS || source.name.size() >= GGML_MAX_NAME || floats.empty()) {
            return fail(ErrorKind::Unsupported,
                        std::format("tensor {}: GGUF cannot hold it", source.name));
        }
        ggml_tensor* const tensor = ggml_new_tensor(context.get(), GGML_TYPE_F32,
                                                    static_cast<int>(sizes.size()), sizes.data());
        ggml_set_name(tensor, source.name.c_str());
        tensor->data = values.emplace_back(std::move(floats)).data();
        gguf_add_tensor(file.get(), tensor);
    }
    if (!gguf_write_to_file_ptr(file.get(), out, /*only_meta=*/false))
        return fail(ErrorKind::Internal, "the converted model cannot be written");
    return {};
}

}  // namespace titans::checkpoint
