#include "checkpoint/model_file.h"

#include <ggml-cpp.h>
#include <ggml.h>
#include <gguf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <format>

namespace titans::checkpoint {
namespace {

constexpr std::uint32_t kFormat = 1;

bool is_stored_as_f32(const TensorView& tensor) {
    return tensor.dtype == Dtype::F64 || tensor.dtype == Dtype::F32 || tensor.shape.size() <= 1;
}

ggml_type stored_type(const TensorView& tensor) {
    if (is_stored_as_f32(tensor)) return GGML_TYPE_F32;
    return tensor.dtype == Dtype::F16 ? GGML_TYPE_F16 : GGML_TYPE_BF16;
}

/// An empty file of our alignment: libggml takes another than its own only from a file that it
/// reads.
gguf_context* make_header() {
    constexpr std::string_view kKey = GGUF_KEY_GENERAL_ALIGNMENT;
    std::string bytes = GGUF_MAGIC;
    const auto append = [&](auto number) {
        bytes.append(reinterpret_cast<const char*>(&number), sizeof number);
    };
    append(std::uint32_t{GGUF_VERSION});
    append(std::int64_t{0});  // tensors
    append(std::int64_t{1});  // keys
    append(std::uint64_t{kKey.size()});
    bytes += kKey;
    append(std::int32_t{GGUF_TYPE_UINT32});
    append(ModelFile::kAlignment);
    bytes.resize((bytes.size() + ModelFile::kAlignment - 1) / ModelFile::kAlignment *
                 ModelFile::kAlignment);
    return gguf_init_from_buffer(bytes.data(), bytes.size(), {.no_alloc = true, .ctx = nullptr});
}

bool put(std::FILE* out, const void* data, std::size_t size) {
    return size == 0 || std::fwrite(data, 1, size, out) == size;
}

/// Writes the values of `tensor` in blocks, so that converted ones are never all in memory.
Result<std::uint64_t> put_values(std::FILE* out, const TensorView& tensor) {
    constexpr std::size_t kBlock = std::size_t{1} << 20;
    const bool converts = is_stored_as_f32(tensor) && tensor.dtype != Dtype::F32;
    std::uint64_t written = 0;
    for (auto rest = tensor.bytes; !rest.empty();) {
        const auto block = rest.first(std::min(rest.size(), kBlock));
        rest = rest.subspan(block.size());
        bool done = false;
        if (converts) {
            TITANS_TRY(
                const std::vector<float> floats,
                to_f32({.name = tensor.name, .dtype = tensor.dtype, .shape = {}, .bytes = block}));
            done = put(out, floats.data(), floats.size() * sizeof(float));
            written += floats.size() * sizeof(float);
        } else {
            done = put(out, block.data(), block.size());
            written += block.size();
        }
        if (!done) {
            return fail(ErrorKind::Internal, "the converted model cannot be written",
                        std::strerror(errno));
        }
    }
    return written;
}

}  // namespace

void ModelFile::Deleter::operator()(gguf_context* context) const noexcept { gguf_free(context); }

ModelFile::ModelFile(std::string_view architecture)
    : architecture_(architecture), header_(make_header()) {
    set("general.architecture", architecture_);
    set("titans.format", kFormat);
    set("titans.converter", kConverterVersion);
}

ModelFile::ModelFile(ModelFile&&) noexcept = default;
ModelFile::~ModelFile() = default;

void ModelFile::set(const std::string& key, std::uint32_t value) {
    gguf_set_val_u32(header_.get(), key.c_str(), value);
}

void ModelFile::set(const std::string& key, float value) {
    gguf_set_val_f32(header_.get(), key.c_str(), value);
}

void ModelFile::set(const std::string& key, bool value) {
    gguf_set_val_bool(header_.get(), key.c_str(), value);
}

void ModelFile::set(const std::string& key, const std::string& value) {
    gguf_set_val_str(header_.get(), key.c_str(), value.c_str());
}

void ModelFile::set(const std::string& key, std::span<const std::int32_t> values) {
    gguf_set_arr_data(header_.get(), key.c_str(), GGUF_TYPE_INT32, values.data(), values.size());
}

Result<void> ModelFile::set(const std::string& key, std::span<const std::string> values) {
    std::vector<const char*> texts;
    for (const std::string& value : values) {
        if (value.contains('\0'))
            return fail(ErrorKind::InvalidInput, std::format("{}: has a token with a NUL", key));
        texts.push_back(value.c_str());
    }
    gguf_set_arr_str(header_.get(), key.c_str(), texts.data(), texts.size());
    return {};
}

Result<void> ModelFile::add(const std::string& name, TensorView source) {
    const auto cannot = [&](ErrorKind kind, std::string_view why) {
        return fail(kind, std::format("tensor {}: {}", source.name, why));
    };
    if (source.dtype != Dtype::F64 && source.dtype != Dtype::F32 && source.dtype != Dtype::F16 &&
        source.dtype != Dtype::BF16) {
        return cannot(ErrorKind::Unsupported, "is not of a floating-point type");
    }
    if (source.shape.empty()) source.shape = {1};
    if (source.shape.size() > GGML_MAX_DIMS || name.size() >= GGML_MAX_NAME ||
        name.contains('\0') || source.bytes.empty()) {
        return cannot(ErrorKind::Unsupported, "GGUF cannot hold it");
    }
    if (!names_.insert(name).second) return cannot(ErrorKind::InvalidInput, "is there twice");
    source.name = name;
    tensors_.push_back(std::move(source));
    return {};
}

Result<void> ModelFile::add(const std::string& name, const Shape& shape,
                            std::vector<float> values) {
    const TensorView view{.name = name,
                          .dtype = Dtype::F32,
                          .shape = shape,
                          .bytes = std::as_bytes(std::span<const float>(values))};
    if (byte_count(shape, Dtype::F32) != view.bytes.size())
        return fail(ErrorKind::Internal, std::format("tensor {}: is not of its shape", name));
    TITANS_TRY_VOID(add(name, view));
    computed_.push_back(std::move(values));
    return {};
}

Result<void> ModelFile::write(std::FILE* out) {
    const ggml_context_ptr shapes(
        ggml_init({.mem_size = (tensors_.size() + 1) * ggml_tensor_overhead(),
                   .mem_buffer = nullptr,
                   .no_alloc = true}));
    for (const TensorView& tensor : tensors_) {
        const std::vector<std::int64_t> sizes(tensor.shape.rbegin(), tensor.shape.rend());
        ggml_tensor* const shape = ggml_new_tensor(shapes.get(), stored_type(tensor),
                                                   static_cast<int>(sizes.size()), sizes.data());
        ggml_set_name(shape, tensor.name.c_str());
        gguf_add_tensor(header_.get(), shape);
    }
    std::vector<char> meta(gguf_get_meta_size(header_.get()));
    gguf_get_meta_data(header_.get(), meta.data());
    if (!put(out, meta.data(), meta.size())) {
        return fail(ErrorKind::Internal, "the converted model cannot be written",
                    std::strerror(errno));
    }
    for (const TensorView& tensor : tensors_) {
        TITANS_TRY(const std::uint64_t written, put_values(out, tensor));
        constexpr std::array<char, kAlignment> kPadding{};
        if (!put(out, kPadding.data(), (kAlignment - written % kAlignment) % kAlignment)) {
            return fail(ErrorKind::Internal, "the converted model cannot be written",
                        std::strerror(errno));
        }
    }
    return {};
}

}  // namespace titans::checkpoint
