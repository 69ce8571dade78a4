#include "checkpoint/weight_norm.h"

#include <cmath>
#include <format>

namespace titans::checkpoint {

Result<std::vector<float>> fold_weight_norm(const TensorView& length, const TensorView& direction) {
    // The axis that `length` has in common with `direction`, and how far apart its steps lie.
    std::size_t steps = 1;
    std::size_t stride = 1;
    bool fits = length.shape.size() == direction.shape.size();
    for (std::size_t axis = 0; fits && axis < length.shape.size(); ++axis) {
        const auto size = static_cast<std::size_t>(length.shape[axis]);
        if (size == 1) {
            if (steps > 1) stride *= static_cast<std::size_t>(direction.shape[axis]);
        } else {
            fits = steps == 1 && length.shape[axis] == direction.shape[axis];
            steps = size;
        }
    }
    if (!fits) {
        return fail(ErrorKind::InvalidInput,
                    std::format("tensor {}: its shape {} is not that of weight normalisation of {}",
                                length.name, to_string(length.shape), to_string(direction.shape)));
    }
    TITANS_TRY(const std::vector<float> lengths, to_f32(length));
    TITANS_TRY(std::vector<float> weight, to_f32(direction));
    std::vector<double> squares(steps);
    for (std::size_t i = 0; i < weight.size(); ++i)
        squares[i / stride % steps] += static_cast<double>(weight[i]) * weight[i];
    std::vector<double> scales(steps);
    for (std::size_t i = 0; i < steps; ++i) scales[i] = lengths[i] / std::sqrt(squares[i]);
    for (std::size_t i = 0; i < weight.size(); ++i)
        weight[i] = static_cast<float>(weight[i] * scales[i / stride % steps]);
    return weight;
}

}  // namespace titans::checkpoint
