#include "store/bm25.h"

#include <algorithm>
#include <cmath>

namespace titans::store {

double bm25_weight(std::int64_t passages, std::int64_t containing) {
    const auto all = static_cast<double>(passages);
    const auto some = static_cast<double>(std::min(passages, containing));
    return std::log1p((all - some + 0.5) / (some + 0.5));
}

double bm25_score(double weight, double times, double length, double average_length) {
    constexpr double kSaturation = 1.2;     // k1
    constexpr double kLengthWeight = 0.75;  // b
    const double relative_length = average_length > 0 ? length / average_length : 1;
    return weight * times * (kSaturation + 1) /
           (times + kSaturation * (1 - kLengthWeight + kLengthWeight * relative_length));
}

}  // namespace titans::store
