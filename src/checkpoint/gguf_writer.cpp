#include "checkpoint/gguf_writer.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <format>

namespace titans::checkpoint {

Result<void> write_gguf(gguf_context* file, std::vector<GgufTensor> tensors, std::FILE* out) {
    const ggml_context_ptr context(ggml_init({.mem_size = tensors.size() * ggml_tensor_overhead(),
                                              .mem_buffer = nullptr,
                                              .no_alloc = true}));
    for (GgufTensor& source : tensors) {
        const std::vector<std::int64_t> sizes(source.shape.rbegin(), source.shape.rend());
        ggml_tensor* const tensor = ggml_new_tensor(context.get(), GGML_TYPE_F32,
                                                    static_cast<int>(sizes.size()), sizes.data());
        ggml_set_name(tensor, source.name.c_str());
        tensor->data = source.values.data();
        gguf_add_tensor(file, tensor);
    }
    if (!gguf_write_to_file_ptr(file, out, /*only_meta=*/false)) {
        return fail(ErrorKind::Internal, "the converted model cannot be written");
    }
    return {};
}

Result<void> write_gguf(const Tensors& tensors, std::FILE* out) {
    std::vector<GgufTensor> converted;
    for (const std::string_view name : tensors.names()) {
        TITANS_TRY(const TensorView source, tensors.tensor(name));
        TITANS_TRY(std::vector<float> floats, to_f32(source));
        std::vector<std::int64_t> shape(source.shape.begin(), source.shape.end());
        if (shape.empty()) shape.push_back(1);
        if (shape.size() > GGML_MAX_DIMS || source.name.size() >= GGML_MAX_NAME || floats.empty()) {
            return fail(ErrorKind::Unsupported,
                        std::format("tensor {}: GGUF cannot hold it", source.name));
        }
        converted.push_back({source.name, std::move(shape), std::move(floats)});
    }
    const gguf_context_ptr file(gguf_init_empty());
    return write_gguf(file.get(), std::move(converted), out);
}

}  // namespace titans::checkpoint
