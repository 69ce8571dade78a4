#include "store/bm25.h"

#include <gtest/gtest.h>

#include <cmath>

namespace titans::store {
namespace {

TEST(Bm25, WeighsRareWordsMoreAndNoneNegatively) {
    EXPECT_GT(bm25_weight(100, 1), bm25_weight(100, 50));
    EXPECT_GT(bm25_weight(100, 50), bm25_weight(100, 100));
    EXPECT_GT(bm25_weight(100, 100), 0);
    EXPECT_GT(bm25_weight(1, 1), 0);
    EXPECT_NEAR(bm25_weight(10, 3), std::log(1 + 7.5 / 3.5), 1e-12);
}

TEST(Bm25, PrefersShortPassagesAndSaturates) {
    EXPECT_GT(bm25_score(1, 1, 50, 100), bm25_score(1, 1, 200, 100));
    EXPECT_GT(bm25_score(1, 2, 100, 100), bm25_score(1, 1, 100, 100));
    EXPECT_LT(bm25_score(1, 1000, 100, 100), 2.2);
    EXPECT_NEAR(bm25_score(1, 1, 100, 100), 1, 1e-12);
}

}  // namespace
}  // namespace titans::store
