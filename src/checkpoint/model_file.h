#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/tensors.h"
#include "foundation/error.h"

struct gguf_context;

namespace titans::checkpoint {

/// The GGUF file of one of our own networks, while it is being made: what it says about itself,
/// then its tensors, which stay where they lie until write() copies them block by block.
///
/// A tensor keeps the source's type if that is F32, F16 or BF16, except that one-dimensional ones
/// and F64 become F32. Each begins at a multiple of 64 bytes of the file, so that it can be used
/// where it is mapped.
class ModelFile {
public:
    /// Rises when the same source gives another file than before.
    static constexpr std::uint32_t kConverterVersion = 1;
    static constexpr std::uint32_t kAlignment = 64;

    /// Says general.architecture, general.alignment, titans.format and titans.converter.
    explicit ModelFile(std::string_view architecture);
    ModelFile(ModelFile&&) noexcept;
    ModelFile& operator=(ModelFile&&) = delete;
    ~ModelFile();

    std::string_view architecture() const { return architecture_; }

    /// A key set again has the later value. Texts hold no NUL: set(strings) answers InvalidInput.
    void set(const std::string& key, std::uint32_t value);
    void set(const std::string& key, float value);
    void set(const std::string& key, bool value);
    void set(const std::string& key, const std::string& value);
    void set(const std::string& key, const char* value) = delete;  // it would be a bool
    void set(const std::string& key, std::span<const std::int32_t> values);
    Result<void> set(const std::string& key, std::span<const std::string> values);

    /// Adds `source` as tensor `name`; its bytes must stay where they are until write(). Errors:
    /// Unsupported for a type that is not floating point, or a shape or name that GGUF cannot hold;
    /// InvalidInput if `name` is taken.
    Result<void> add(const std::string& name, TensorView source);

    /// Adds an F32 tensor of computed values. Errors: as above.
    Result<void> add(const std::string& name, const Shape& shape, std::vector<float> values);

    /// Writes all of it, once. Errors: Internal if it cannot be written.
    Result<void> write(std::FILE* out);

private:
    struct Deleter {
        void operator()(gguf_context* context) const noexcept;
    };

    std::string architecture_;
    std::unique_ptr<gguf_context, Deleter> header_;
    std::vector<TensorView> tensors_;
    std::set<std::string, std::less<>> names_;
    std::vector<std::vector<float>> computed_;  // of tensors_, that their views borrow
};

}  // namespace titans::checkpoint
