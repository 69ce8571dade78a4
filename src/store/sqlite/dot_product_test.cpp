#include "store/sqlite/dot_product.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace titans::store::sqlite {
namespace {

TEST(DotProduct, SumsVectorsOfEverySizeFromEveryAddress) {
    std::vector<float> a(500);
    std::vector<float> b(500);
    for (std::size_t i = 0; i < a.size(); ++i) {
        a[i] = std::sin(static_cast<float>(i));
        b[i] = std::cos(static_cast<float>(3 * i));
    }
    for (std::size_t size = 0; size < 450; ++size) {
        const std::size_t from = size % 17;
        double expected = 0;
        for (std::size_t i = 0; i < size; ++i)
            expected += static_cast<double>(a[from + i]) * static_cast<double>(b[i]);
        EXPECT_NEAR(dot_product(a.data() + from, b.data(), size), expected, 1e-4) << size;
    }
}

}  // namespace
}  // namespace titans::store::sqlite
