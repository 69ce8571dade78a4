#include "checkpoint/tensor_picker.h"

#include <algorithm>
#include <format>

namespace titans::checkpoint {

Result<TensorView> TensorPicker::take(const std::string& name, const Shape& shape) {
    TITANS_TRY(TensorView tensor, source_.tensor(name, shape));
    taken_.insert(name);
    return tensor;
}

Result<void> TensorPicker::copy(const NeededTensor& needed, const std::string& source) {
    TITANS_TRY(TensorView tensor, take(source, needed.shape));
    return out_.add(needed.name, std::move(tensor));
}

Result<void> TensorPicker::expect_no_more(std::span<const std::string_view> known,
                                          std::string_view prefix) const {
    for (const std::string_view name : source_.names()) {
        if (!name.starts_with(prefix)) continue;
        const bool is_known =
            taken_.contains(name) ||
            std::ranges::any_of(known, [&](std::string_view part) { return name.contains(part); });
        if (!is_known) {
            return fail(ErrorKind::Unsupported,
                        std::format("tensor {}: is not of this kind of network", name));
        }
    }
    return {};
}

}  // namespace titans::checkpoint
