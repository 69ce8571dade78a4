#include "checkpoint/weight_norm.h"

#include <gmock/gmock.h>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

using testing::ElementsAre;
using testing::FloatEq;

test::Array array(Shape shape, std::vector<float> values) {
    test::Array array{.name = "g", .shape = std::move(shape)};
    for (const float value : values) array.bytes += test::raw(value);
    return array;
}

/// length {3, 4} / |...| in the middle of a direction of shape [2, 2, 2].
const test::Array kDirection = array({2, 2, 2}, {3, 0, 4, 5, 0, 6, 0, 8});

TEST(WeightNorm, ScalesEachStepOfTheAxisThatTheLengthHas) {
    // The first axis: rows [3 0 4 5] and [0 6 0 8], of lengths sqrt(50) and 10.
    EXPECT_THAT(*fold_weight_norm(array({2, 1, 1}, {10, 5}).view(), kDirection.view()),
                ElementsAre(FloatEq(30 / std::sqrt(50.F)), 0, FloatEq(40 / std::sqrt(50.F)),
                            FloatEq(50 / std::sqrt(50.F)), 0, 3, 0, 4));
    // The last axis, as in the positional convolution: [3 4 0 0] and [0 5 6 8].
    EXPECT_THAT(*fold_weight_norm(array({1, 1, 2}, {10, 0}).view(), kDirection.view()),
                ElementsAre(6, 0, 8, 0, 0, 0, 0, 0));
    // The middle one: [3 0 0 6] and [4 5 0 8].
    EXPECT_THAT(
        *fold_weight_norm(array({1, 2, 1}, {0, std::sqrt(105.F)}).view(), kDirection.view()),
        ElementsAre(0, 0, FloatEq(4), FloatEq(5), 0, 0, FloatEq(0), FloatEq(8)));
}

TEST(WeightNorm, ScalesAllWhereTheLengthIsOneNumber) {
    EXPECT_THAT(*fold_weight_norm(array({1, 1}, {10}).view(), array({1, 2}, {3, 4}).view()),
                ElementsAre(6, 8));
}

TEST(WeightNorm, RefusesLengthsOfAnotherShape) {
    for (const Shape& shape : {Shape{2}, Shape{2, 2, 1}, Shape{3, 1, 1}, Shape{1, 1, 1, 1}}) {
        const test::Array length = test::ramp("g", shape, 1);
        EXPECT_EQ(fold_weight_norm(length.view(), kDirection.view()).error().kind,
                  ErrorKind::InvalidInput)
            << to_string(shape);
    }
}

}  // namespace
}  // namespace titans::checkpoint
