#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// A place in Pickle::values. Values refer to each other so, and not by pointers: however deep
/// they nest, and though one may hold itself, nothing here recurses.
using PickleRef = std::uint32_t;

/// What a pickle names by module and name: a class or a function.
struct PickledGlobal {
    std::string_view module;
    std::string_view name;
};

/// A list, tuple or set.
struct PickledSequence {
    std::vector<PickleRef> items;
};

struct PickledDict {
    std::vector<std::pair<PickleRef, PickleRef>> entries;
};

/// Numbers that lie elsewhere in the file, under `key`.
struct PickledStorage {
    std::string_view key;
    std::optional<Dtype> dtype;  // none: of a type that Dtype lacks
    std::uint64_t count = 0;     // of elements; of bytes if the dtype is U8
};

struct PickledTensor {
    PickleRef storage = 0;
    std::optional<Dtype> dtype;
    std::uint64_t offset = 0;  // in elements, as the strides
    Shape shape;
    Shape strides;
};

/// What would have come of calling or building something that is not read. Nothing was called: it
/// only remembers the name, so that whatever depends on it can say why it is not there.
struct PickledOpaque {
    PickledGlobal of;
};

/// Text and bytes borrow the file.
using PickleValue =
    std::variant<std::monostate, bool, std::int64_t, double, std::string_view, PickledSequence,
                 PickledDict, PickledGlobal, PickledStorage, PickledTensor, PickledOpaque>;

struct Pickle {
    std::vector<PickleValue> values;
    PickleRef root = 0;
    std::size_t length = 0;  // how many bytes it took

    template <typename Value>
    const Value* get_if(PickleRef ref) const {
        return std::get_if<Value>(&values[ref]);
    }
};

/// Reads the pickle (protocols 0 to 5) at the beginning of `bytes`, as PyTorch writes it. Only
/// tensors, storages, containers, numbers and text come of it; every other class, function,
/// extension code and persistent id becomes a PickledOpaque. Takes time in proportion to the bytes.
/// Errors: InvalidInput if an instruction does not hold, or it makes more than 2^20 values;
/// Unsupported for a later protocol.
Result<Pickle> parse_pickle(std::span<const std::byte> bytes);

}  // namespace titans::checkpoint
