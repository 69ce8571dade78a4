#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

struct gguf_context;

namespace titans::engine {

/// A GGUF file, memory-mapped: the parameters of a network, and the facts about it that its
/// converter wrote. Immutable, so thread-safe.
class GgufFile {
public:
    enum class Type : std::uint8_t { F32, F16, Bf16, Other };

    /// What lies in the file under one name; valid while the GgufFile lives.
    struct Tensor {
        Type type = Type::Other;
        std::vector<std::int64_t> shape;   // four axes, slowest first
        std::span<const std::byte> bytes;  // row-major, aligned as the file's metadata says
    };

    /// Errors: NotFound; Unsupported if `path` is no GGUF file or a truncated one.
    static Result<GgufFile> open(const std::filesystem::path& path);

    /// Errors: Unsupported, naming the tensor, if there is none of that shape (slowest axis first).
    Result<Tensor> find(std::string_view name, std::initializer_list<std::int64_t> shape) const;

    /// The values of an F32 tensor, row-major; valid while this object lives. Errors: as find(),
    /// and Unsupported if it is of another type.
    Result<std::span<const float>> tensor(std::string_view name,
                                          std::initializer_list<std::int64_t> shape) const;

    /// Whether there is a tensor of that name.
    bool has_tensor(std::string_view name) const { return tensors_.contains(name); }

    /// The facts. Errors: Unsupported, naming the key, if it is missing or of another kind.
    Result<std::int64_t> integer(std::string_view key) const;
    Result<double> real(std::string_view key) const;
    Result<bool> flag(std::string_view key) const;
    Result<std::string> text(std::string_view key) const;
    Result<std::vector<std::int64_t>> integers(std::string_view key) const;
    Result<std::vector<std::string>> texts(std::string_view key) const;
    bool has(std::string_view key) const;

private:
    struct HeaderDeleter {
        void operator()(gguf_context* header) const noexcept;
    };
    struct Unmap {
        std::size_t size;
        void operator()(const std::byte* bytes) const noexcept;
    };

    std::unique_ptr<gguf_context, HeaderDeleter> header_;
    std::unique_ptr<const std::byte, Unmap> mapping_;
    std::map<std::string, Tensor, std::less<>> tensors_;
};

}  // namespace titans::engine
