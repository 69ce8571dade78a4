#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::checkpoint {

enum class Dtype : std::uint8_t { F64, F32, F16, BF16, I64, I32, I16, I8, U8, Bool };

std::size_t size_of(Dtype dtype);

/// Slowest axis first, as PyTorch writes it. A scalar's is empty.
using Shape = std::vector<std::int64_t>;

/// "[512, 80, 3]"
std::string to_string(const Shape& shape);

/// A tensor that lies in a file. Borrows the file's bytes.
struct TensorView {
    std::string name;
    Dtype dtype = Dtype::F32;
    Shape shape;
    std::span<const std::byte> bytes;  // little endian, row-major, not aligned
};

/// The tensors of one file by name. What is in it has been checked: `bytes` are as many as shape
/// and dtype say.
class Tensors {
public:
    /// Errors: InvalidInput if the name is taken, a dimension is negative, or the size of `bytes`
    /// is not that of the shape.
    Result<void> add(TensorView tensor);

    /// `alias` is found as `name` from now on. Errors: InvalidInput if `name` is not there or
    /// `alias` is taken.
    Result<void> add_alias(const std::string& alias, const std::string& name);

    /// `name` is there but cannot be read: asking for it answers Unsupported and `why`. Errors:
    /// InvalidInput if the name is taken.
    Result<void> add_unreadable(const std::string& name, std::string why);

    /// Takes all of `others`. Errors: InvalidInput if both have one name.
    Result<void> merge(Tensors others);

    bool contains(std::string_view name) const { return tensors_.contains(name); }
    std::size_t size() const { return tensors_.size(); }

    /// Of those that can be read, sorted; valid while this object lives.
    std::vector<std::string_view> names() const;

    /// Errors: InvalidInput if there is none; Unsupported if it is unreadable.
    Result<TensorView> tensor(std::string_view name) const;

    /// Errors: the same; InvalidInput if its shape is another.
    Result<TensorView> tensor(std::string_view name, const Shape& shape) const;

private:
    std::map<std::string, TensorView, std::less<>> tensors_;
    std::map<std::string, std::string, std::less<>> unreadable_;  // why, by name
};

/// How many bytes a tensor takes; none if a dimension is negative or the product overflows.
std::optional<std::uint64_t> byte_count(const Shape& shape, Dtype dtype);

/// The values of an F64, F32, F16 or BF16 tensor. Errors: Unsupported for other types.
Result<std::vector<float>> to_f32(const TensorView& tensor);

}  // namespace titans::checkpoint
