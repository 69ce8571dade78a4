#pragma once

#include <cstddef>

namespace titans::store::sqlite {

/// The sum of a[i] * b[i] for i < size, with the widest vectors that this processor has.
float dot_product(const float* a, const float* b, std::size_t size);

}  // namespace titans::store::sqlite
