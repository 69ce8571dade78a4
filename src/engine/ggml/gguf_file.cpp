#include "engine/ggml/gguf_file.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <format>
#include <fstream>

#include "engine/ggml/backends.h"

namespace titans::engine {
namespace {

std::unexpected<Error> refuse(std::string message, std::string detail = {}) {
    return fail(ErrorKind::Unsupported, "the model file " + std::move(message), std::move(detail));
}

}  // namespace

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
    std::error_code failed;
    const std::uint64_t file_bytes = std::filesystem::file_size(path, failed);
    if (failed) return fail(ErrorKind::NotFound, "the model file is not here", failed.message());
    load_backends();
    const LibraryWords words;
    // Without the data: libggml aborts where it cannot have the memory that a header asks for.
    ggml_context* made = nullptr;
    const gguf_context_ptr header(
        gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &made}));
    const ggml_context_ptr shapes(made);
    if (!header || !shapes) return refuse("is no GGUF file", words.text());

    GgufFile file;
    std::ifstream stream(path, std::ios::binary);
    for (ggml_tensor* tensor = ggml_get_first_tensor(shapes.get()); tensor != nullptr;
         tensor = ggml_get_next_tensor(shapes.get(), tensor)) {
        const std::string name = ggml_get_name(tensor);
        if (tensor->type != GGML_TYPE_F32) return refuse("has tensors that are not F32", name);
        const std::uint64_t offset =
            gguf_get_data_offset(header.get()) +
            gguf_get_tensor_offset(header.get(), gguf_find_tensor(header.get(), name.c_str()));
        const std::uint64_t bytes = ggml_nbytes(tensor);
        if (offset > file_bytes || bytes > file_bytes - offset) return refuse("is cut off", name);
        std::vector<float> values(bytes / sizeof(float));
        stream.seekg(static_cast<std::streamoff>(offset));
        stream.read(reinterpret_cast<char*>(values.data()), static_cast<std::streamsize>(bytes));
        if (!stream) return refuse("cannot be read", name);
        std::vector<std::int64_t> shape(std::begin(tensor->ne), std::end(tensor->ne));
        std::ranges::reverse(shape);
        file.tensors_[name] = {std::move(shape), std::move(values)};
    }
    return file;
}

Result<std::span<const float>> GgufFile::tensor(std::string_view name,
                                                std::initializer_list<std::int64_t> shape) const {
    const auto found = tensors_.find(name);
    if (found == tensors_.end()) return refuse(std::format("lacks the tensor {}", name));
    // The file keeps no axes of size one in front.
    std::vector<std::int64_t> wanted(shape);
    wanted.insert(wanted.begin(),
                  GGML_MAX_DIMS - std::min<std::size_t>(wanted.size(), GGML_MAX_DIMS), 1);
    if (found->second.shape != wanted) {
        return refuse(std::format("has the tensor {} in another shape", name));
    }
    return found->second.values;
}

}  // namespace titans::engine
