#include "checkpoint/tensors.h"

#include <ggml.h>

#include <cstring>
#include <format>
#include <ranges>
#include <utility>

namespace titans::checkpoint {
namespace {

std::unexpected<Error> twice(std::string_view name) {
    return fail(ErrorKind::InvalidInput, std::format("tensor {}: stands twice in the file", name));
}

}  // namespace

std::size_t size_of(Dtype dtype) {
    switch (dtype) {
        case Dtype::F64:
        case Dtype::I64:
            return 8;
        case Dtype::F32:
        case Dtype::I32:
            return 4;
        case Dtype::F16:
        case Dtype::BF16:
        case Dtype::I16:
            return 2;
        case Dtype::I8:
        case Dtype::U8:
        case Dtype::Bool:
            return 1;
    }
    std::unreachable();
}

std::string to_string(const Shape& shape) {
    std::string text = "[";
    for (const std::int64_t dimension : shape) {
        if (text.size() > 1) text += ", ";
        text += std::to_string(dimension);
    }
    return text + "]";
}

std::optional<std::uint64_t> byte_count(const Shape& shape, Dtype dtype) {
    std::uint64_t bytes = size_of(dtype);
    for (const std::int64_t dimension : shape) {
        if (dimension < 0) return std::nullopt;
        if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dimension), &bytes))
            return std::nullopt;
    }
    return bytes;
}

Result<void> Tensors::add(TensorView tensor) {
    const auto bytes = byte_count(tensor.shape, tensor.dtype);
    if (!bytes || *bytes != tensor.bytes.size()) {
        return fail(ErrorKind::InvalidInput,
                    std::format("tensor {}: its size is not that of its shape", tensor.name));
    }
    std::string name = tensor.name;
    if (unreadable_.contains(name) || !tensors_.try_emplace(name, std::move(tensor)).second)
        return twice(name);
    return {};
}

Result<void> Tensors::add_unreadable(const std::string& name, std::string why) {
    if (tensors_.contains(name) || !unreadable_.try_emplace(name, std::move(why)).second)
        return twice(name);
    return {};
}

Result<void> Tensors::merge(Tensors others) {
    for (auto& [name, tensor] : others.tensors_) TITANS_TRY_VOID(add(std::move(tensor)));
    for (auto& [name, why] : others.unreadable_)
        TITANS_TRY_VOID(add_unreadable(name, std::move(why)));
    return {};
}

Result<void> Tensors::add_alias(const std::string& alias, const std::string& name) {
    TITANS_TRY(TensorView original, tensor(name));
    original.name = alias;
    return add(std::move(original));
}

std::vector<std::string_view> Tensors::names() const {
    return {std::from_range, std::views::keys(tensors_)};
}

Result<TensorView> Tensors::tensor(std::string_view name) const {
    const auto found = tensors_.find(name);
    if (const auto cannot = unreadable_.find(name); cannot != unreadable_.end()) {
        return fail(ErrorKind::Unsupported, std::format("tensor {}: {}", name, cannot->second));
    }
    if (found == tensors_.end())
        return fail(ErrorKind::InvalidInput, std::format("tensor {}: is missing", name));
    return found->second;
}

Result<TensorView> Tensors::tensor(std::string_view name, const Shape& shape) const {
    TITANS_TRY(TensorView found, tensor(name));
    if (found.shape != shape) {
        return fail(ErrorKind::InvalidInput, std::format("tensor {}: its shape is {}, not {}", name,
                                                         to_string(found.shape), to_string(shape)));
    }
    return found;
}

Result<std::vector<float>> to_f32(const TensorView& tensor) {
    std::vector<float> values(tensor.bytes.size() / size_of(tensor.dtype));
    // The file promises no alignment, so each value is copied out before it is read.
    const auto convert = [&]<typename Stored>(Stored, auto&& to_float) {
        for (std::size_t i = 0; i < values.size(); ++i) {
            Stored stored;
            std::memcpy(&stored, tensor.bytes.data() + (i * sizeof stored), sizeof stored);
            values[i] = to_float(stored);
        }
    };
    switch (tensor.dtype) {
        case Dtype::F64:
            convert(double{}, [](double value) { return static_cast<float>(value); });
            return values;
        case Dtype::F32:
            if (!values.empty())
                std::memcpy(values.data(), tensor.bytes.data(), tensor.bytes.size());
            return values;
        case Dtype::F16:
            convert(ggml_fp16_t{}, ggml_fp16_to_fp32);
            return values;
        case Dtype::BF16:
            convert(ggml_bf16_t{}, ggml_bf16_to_fp32);
            return values;
        default:
            return fail(ErrorKind::Unsupported,
                        std::format("tensor {}: is not of a floating-point type", tensor.name));
    }
}

}  // namespace titans::checkpoint
