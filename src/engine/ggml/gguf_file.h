#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::engine {

/// The tensors of a GGUF file, read into memory: for small networks that are computed without ggml.
/// Immutable, so thread-safe.
class GgufFile {
public:
    /// Errors: NotFound; Unsupported if `path` is no GGUF file, a truncated one, or one with
    /// tensors of another type than F32.
    static Result<GgufFile> open(const std::filesystem::path& path);

    /// The values of the tensor `name`, row-major; valid while this object lives. `shape` is
    /// slowest axis first. Errors: Unsupported, naming the tensor, if there is none of that shape.
    Result<std::span<const float>> tensor(std::string_view name,
                                          std::initializer_list<std::int64_t> shape) const;

private:
    struct Tensor {
        std::vector<std::int64_t> shape;  // four axes, slowest first
        std::vector<float> values;
    };

    std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace titans::engine
