#include "engine/ggml/gguf_file.h"

#include <fcntl.h>
#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <format>

#include "engine/ggml/backends.h"

namespace titans::engine {
namespace {

std::unexpected<Error> refuse(std::string message, std::string detail = {}) {
    return fail(ErrorKind::Unsupported, "the model file " + std::move(message), std::move(detail));
}

GgufFile::Type type_of(ggml_type type) {
    switch (type) {
        case GGML_TYPE_F32:
            return GgufFile::Type::F32;
        case GGML_TYPE_F16:
            return GgufFile::Type::F16;
        case GGML_TYPE_BF16:
            return GgufFile::Type::Bf16;
        default:
            return GgufFile::Type::Other;
    }
}

/// A whole number of any of GGUF's types, at `index` of an array of them.
std::optional<std::int64_t> whole_number(gguf_type type, const void* data, std::size_t index) {
    switch (type) {
        case GGUF_TYPE_UINT8:
            return static_cast<const std::uint8_t*>(data)[index];
        case GGUF_TYPE_INT8:
            return static_cast<const std::int8_t*>(data)[index];
        case GGUF_TYPE_UINT16:
            return static_cast<const std::uint16_t*>(data)[index];
        case GGUF_TYPE_INT16:
            return static_cast<const std::int16_t*>(data)[index];
        case GGUF_TYPE_UINT32:
            return static_cast<const std::uint32_t*>(data)[index];
        case GGUF_TYPE_INT32:
            return static_cast<const std::int32_t*>(data)[index];
        case GGUF_TYPE_INT64:
            return static_cast<const std::int64_t*>(data)[index];
        default:
            return std::nullopt;
    }
}

std::int64_t key_of(const gguf_context* header, std::string_view key) {
    return gguf_find_key(header, std::string(key).c_str());
}

std::unexpected<Error> lacks(std::string_view key) { return refuse(std::format("lacks {}", key)); }

}  // namespace

void GgufFile::HeaderDeleter::operator()(gguf_context* header) const noexcept { gguf_free(header); }

void GgufFile::Unmap::operator()(const std::byte* bytes) const noexcept {
    munmap(const_cast<std::byte*>(bytes), size);
}

Result<GgufFile> GgufFile::open(const std::filesystem::path& path) {
    std::error_code failed;
    const std::uint64_t file_bytes = std::filesystem::file_size(path, failed);
    if (failed) return fail(ErrorKind::NotFound, "the model file is not here", failed.message());
    load_backends();
    const LibraryWords words;
    // Without the data: libggml aborts where it cannot have the memory that a header asks for.
    ggml_context* made = nullptr;
    GgufFile file;
    file.header_.reset(gguf_init_from_file(path.c_str(), {.no_alloc = true, .ctx = &made}));
    const ggml_context_ptr shapes(made);
    if (!file.header_ || !shapes) return refuse("is no GGUF file", words.text());

    const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) return fail(ErrorKind::NotFound, "the model file is not here");
    void* mapped = mmap(nullptr, file_bytes, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (mapped == MAP_FAILED) return refuse("cannot be mapped");
    file.mapping_ = {static_cast<const std::byte*>(mapped), Unmap{file_bytes}};

    for (ggml_tensor* tensor = ggml_get_first_tensor(shapes.get()); tensor != nullptr;
         tensor = ggml_get_next_tensor(shapes.get(), tensor)) {
        const std::string name = ggml_get_name(tensor);
        const std::uint64_t offset =
            gguf_get_data_offset(file.header_.get()) +
            gguf_get_tensor_offset(file.header_.get(),
                                   gguf_find_tensor(file.header_.get(), name.c_str()));
        const std::uint64_t bytes = ggml_nbytes(tensor);
        if (offset > file_bytes || bytes > file_bytes - offset) return refuse("is cut off", name);
        std::vector<std::int64_t> shape(std::begin(tensor->ne), std::end(tensor->ne));
        std::ranges::reverse(shape);
        file.tensors_[name] = {.type = type_of(tensor->type),
                               .shape = std::move(shape),
                               .bytes = {file.mapping_.get() + offset, bytes}};
    }
    return file;
}

Result<GgufFile::Tensor> GgufFile::find(std::string_view name,
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
    return found->second;
}

Result<std::span<const float>> GgufFile::tensor(std::string_view name,
                                                std::initializer_list<std::int64_t> shape) const {
    TITANS_TRY(const Tensor found, find(name, shape));
    if (found.type != Type::F32) {
        return refuse(std::format("has the tensor {} of a type that is not F32", name));
    }
    return std::span(reinterpret_cast<const float*>(found.bytes.data()),
                     found.bytes.size() / sizeof(float));
}

bool GgufFile::has(std::string_view key) const { return key_of(header_.get(), key) >= 0; }

Result<std::int64_t> GgufFile::integer(std::string_view key) const {
    const std::int64_t id = key_of(header_.get(), key);
    if (id < 0 || gguf_get_kv_type(header_.get(), id) == GGUF_TYPE_ARRAY ||
        gguf_get_kv_type(header_.get(), id) == GGUF_TYPE_STRING) {
        return lacks(key);
    }
    const auto number =
        whole_number(gguf_get_kv_type(header_.get(), id), gguf_get_val_data(header_.get(), id), 0);
    if (!number) return lacks(key);
    return *number;
}

Result<double> GgufFile::real(std::string_view key) const {
    const std::int64_t id = key_of(header_.get(), key);
    if (id < 0) return lacks(key);
    switch (gguf_get_kv_type(header_.get(), id)) {
        case GGUF_TYPE_FLOAT32:
            return gguf_get_val_f32(header_.get(), id);
        case GGUF_TYPE_FLOAT64:
            return gguf_get_val_f64(header_.get(), id);
        default:
            return lacks(key);
    }
}

Result<bool> GgufFile::flag(std::string_view key) const {
    const std::int64_t id = key_of(header_.get(), key);
    if (id < 0 || gguf_get_kv_type(header_.get(), id) != GGUF_TYPE_BOOL) return lacks(key);
    return gguf_get_val_bool(header_.get(), id);
}

Result<std::string> GgufFile::text(std::string_view key) const {
    const std::int64_t id = key_of(header_.get(), key);
    if (id < 0 || gguf_get_kv_type(header_.get(), id) != GGUF_TYPE_STRING) return lacks(key);
    return std::string(gguf_get_val_str(header_.get(), id));
}

Result<std::vector<std::int64_t>> GgufFile::integers(std::string_view key) const {
    const std::int64_t id = key_of(header_.get(), key);
    if (id < 0 || gguf_get_kv_type(header_.get(), id) != GGUF_TYPE_ARRAY) return lacks(key);
    const gguf_type type = gguf_get_arr_type(header_.get(), id);
    if (type == GGUF_TYPE_STRING) return lacks(key);
    std::vector<std::int64_t> numbers(gguf_get_arr_n(header_.get(), id));
    const void* data = numbers.empty() ? nullptr : gguf_get_arr_data(header_.get(), id);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        const auto number = whole_number(type, data, i);
        if (!number) return lacks(key);
        numbers[i] = *number;
    }
    return numbers;
}

Result<std::vector<std::string>> GgufFile::texts(std::string_view key) const {
    const std::int64_t id = key_of(header_.get(), key);
    if (id < 0 || gguf_get_kv_type(header_.get(), id) != GGUF_TYPE_ARRAY ||
        gguf_get_arr_type(header_.get(), id) != GGUF_TYPE_STRING) {
        return lacks(key);
    }
    std::vector<std::string> texts(gguf_get_arr_n(header_.get(), id));
    for (std::size_t i = 0; i < texts.size(); ++i)
        texts[i] = gguf_get_arr_str(header_.get(), id, i);
    return texts;
}

}  // namespace titans::engine
