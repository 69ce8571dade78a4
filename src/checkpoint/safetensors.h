#pragma once

#include <filesystem>
#include <span>

#include "checkpoint/mapped_file.h"
#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The tensors of a safetensors file (github.com/huggingface/safetensors, "Format"): eight bytes of
/// header length, a JSON header, then the tensors' bytes without gaps. The views borrow `file`.
/// Errors: InvalidInput if any field does not hold: the header's length, its JSON, a type, a shape
/// whose size is not that of its bytes, tensors that overlap, leave gaps or lie outside;
/// Unsupported for a type that Dtype lacks.
Result<Tensors> parse_safetensors(std::span<const std::byte> file);

/// A safetensors file, memory-mapped, every field of its header checked.
class SafetensorsFile {
public:
    /// Errors: as MappedFile::open and parse_safetensors.
    static Result<SafetensorsFile> open(const std::filesystem::path& path);

    /// Valid while this object lives.
    const Tensors& tensors() const { return tensors_; }
    Result<TensorView> tensor(std::string_view name) const { return tensors_.tensor(name); }

private:
    SafetensorsFile(MappedFile file, Tensors tensors)
        : file_(std::move(file)), tensors_(std::move(tensors)) {}

    MappedFile file_;
    Tensors tensors_;
};

}  // namespace titans::checkpoint
