#include "store/sqlite/dot_product.h"

#include <array>
#include <cstring>

// One copy of the function for each, chosen when the program starts.
#if defined(__x86_64__) && defined(__linux__)
#define TITANS_FOR_EACH_PROCESSOR \
    __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TITANS_FOR_EACH_PROCESSOR
#endif

namespace titans::store::sqlite {

namespace {

constexpr std::size_t kLanes = 16;
using Lanes = float __attribute__((vector_size(kLanes * sizeof(float))));

}  // namespace

TITANS_FOR_EACH_PROCESSOR
float dot_product(const float* a, const float* b, std::size_t size) {
    constexpr std::size_t kSums = 2;  // that do not wait for each other
    std::array<Lanes, kSums> sums{};
    std::size_t i = 0;
    for (; i + kSums * kLanes <= size; i += kSums * kLanes) {
        for (std::size_t j = 0; j < kSums; ++j) {
            Lanes x;
            Lanes y;
            std::memcpy(&x, a + i + j * kLanes, sizeof x);
            std::memcpy(&y, b + i + j * kLanes, sizeof y);
            sums[j] += x * y;
        }
    }
    const Lanes lanes = sums[0] + sums[1];
    float sum = 0;
    for (std::size_t lane = 0; lane < kLanes; ++lane) sum += lanes[lane];
    for (; i < size; ++i) sum += a[i] * b[i];
    return sum;
}

}  // namespace titans::store::sqlite
