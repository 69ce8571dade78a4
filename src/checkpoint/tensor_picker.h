#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_file.h"
#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// A tensor that a network needs.
struct NeededTensor {
    std::string name;
    Shape shape;

    bool operator==(const NeededTensor&) const = default;
};

/// Copies the tensors that a network needs from a checkpoint to a ModelFile, and knows at the end
/// which ones nobody took.
class TensorPicker {
public:
    /// Both are borrowed.
    TensorPicker(const Tensors& source, ModelFile& out) : source_(source), out_(out) {}

    /// Tensor `name` of `shape` is taken. Errors: InvalidInput if it is not there or of another
    /// shape.
    Result<TensorView> take(const std::string& name, const Shape& shape);

    /// The same, written as `needed`. Errors: those of take() and ModelFile::add().
    Result<void> copy(const NeededTensor& needed, const std::string& source);

    /// Errors: Unsupported, naming the first tensor that nobody took and that has none of `known`
    /// in its name: the network is another one than it says. Tensors without `prefix` are somebody
    /// else's.
    Result<void> expect_no_more(std::span<const std::string_view> known,
                                std::string_view prefix = "") const;

private:
    const Tensors& source_;
    ModelFile& out_;
    std::set<std::string, std::less<>> taken_;
};

}  // namespace titans::checkpoint
