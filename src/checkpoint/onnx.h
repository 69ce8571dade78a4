#pragma once

#include <filesystem>
#include <span>

#include "checkpoint/mapped_file.h"
#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The weights of an ONNX model (onnx.proto3 of github.com/onnx/onnx:
/// ModelProto.graph.initializer): the initialisers of the outermost graph, by name. The graph
/// itself is not read. The views borrow `file`. Errors: InvalidInput if the protocol buffers do not
/// hold, or a tensor's size is not that of its shape; Unsupported for a type but floating point or
/// values outside of raw_data.
Result<Tensors> parse_onnx(std::span<const std::byte> file);

/// An ONNX file, memory-mapped.
class OnnxFile {
public:
    /// Errors: as MappedFile::open and parse_onnx.
    static Result<OnnxFile> open(const std::filesystem::path& path);

    /// Valid while this object lives.
    const Tensors& tensors() const { return tensors_; }

private:
    OnnxFile(MappedFile file, Tensors tensors)
        : file_(std::move(file)), tensors_(std::move(tensors)) {}

    MappedFile file_;
    Tensors tensors_;
};

}  // namespace titans::checkpoint
