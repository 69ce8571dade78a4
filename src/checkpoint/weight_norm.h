#pragma once

#include <string>
#include <vector>

#include "checkpoint/tensors.h"
#include "foundation/error.h"

namespace titans::checkpoint {

/// The weight that weight normalisation (arXiv:1602.07868; torch.nn.utils.weight_norm) keeps as its
/// length and its direction: length * direction / |direction|, row-major. `length` has one axis
/// longer than 1, the one that the norm is not taken over, or none: then it is taken over all.
/// Errors: InvalidInput if the shapes do not fit; Unsupported for other types than floating point.
Result<std::vector<float>> fold_weight_norm(const TensorView& length, const TensorView& direction);

}  // namespace titans::checkpoint
