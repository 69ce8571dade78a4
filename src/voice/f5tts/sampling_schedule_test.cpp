#include "voice/f5tts/sampling_schedule.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

namespace titans::voice::f5tts {
namespace {

using ::testing::FloatEq;
using ::testing::FloatNear;
using ::testing::Pointwise;
using Numbers = std::vector<float>;

/// Of what PyTorch's approximations of the logarithm and of the angles may be off.
constexpr float kTolerance = 2e-6F;

TEST(SamplingScheduleTest, StepsThroughPrunedMomentsWhereTheReferenceHasThem) {
    EXPECT_THAT(sampling_times(7, 0),
                Pointwise(FloatEq(), Numbers{0, 0.0625, 0.125, 0.1875, 0.25, 0.5, 0.75, 1}));
    for (const int steps : {5, 6, 7, 10, 12, 16}) {
        const std::vector<float> times = sampling_times(steps, 0);
        ASSERT_EQ(std::ssize(times), steps + 1);
        EXPECT_NE(times[1], 1.0F / static_cast<float>(steps));
    }
}

TEST(SamplingScheduleTest, StepsEvenlyElse) {
    EXPECT_THAT(sampling_times(4, 0), Pointwise(FloatEq(), Numbers{0, 0.25, 0.5, 0.75, 1}));
    EXPECT_THAT(sampling_times(1, 0), Pointwise(FloatEq(), Numbers{0, 1}));
}

TEST(SamplingScheduleTest, SwaysTowardsTheBeginningAsTheReferenceDoes) {
    EXPECT_THAT(
        sampling_times(7, -1),
        Pointwise(FloatNear(1e-7F), Numbers{0.0F, 0.00481528044F, 0.0192147493F, 0.0430596471F,
                                            0.0761204958F, 0.292893231F, 0.617316604F, 1.0F}));
    const std::vector<float> times = sampling_times(32, -1);
    ASSERT_EQ(times.size(), 33);
    EXPECT_NEAR(times[1], 0.00120455027F, 1e-7);
    EXPECT_NEAR(times[16], 0.292893231F, 1e-7);
    EXPECT_FLOAT_EQ(times[32], 1);
}

TEST(NoiseTest, DrawsFewNumbersOneByOneAsPyTorchDoes) {
    Noise noise(1234);
    EXPECT_THAT(noise.draw(5),
                Pointwise(FloatNear(kTolerance), Numbers{0.0461304635F, 0.402402818F, -1.01152909F,
                                                         0.216738239F, -0.612273097F}));
    // The second number of a pair is kept for the next call.
    EXPECT_THAT(noise.draw(3),
                Pointwise(FloatNear(kTolerance), Numbers{0.50361073F, 0.230966806F, 0.693077326F}));
    EXPECT_THAT(noise.draw(16),
                Pointwise(FloatNear(kTolerance),
                          Numbers{0.798832595F, -0.092287533F, -0.704919696F, -1.60236216F,
                                  0.28909719F, 0.489870846F, -0.385274619F, -0.712034583F,
                                  -0.170613497F, -1.45943868F, 0.220659077F, 0.246252075F,
                                  -1.32481194F, 0.696980536F, -0.66305387F, 1.21575689F}));
}

TEST(NoiseTest, DrawsManyNumbersInBlocksAsPyTorchDoes) {
    Noise noise(1234);
    const std::vector<float> numbers = noise.draw(37);
    ASSERT_EQ(numbers.size(), 37);
    const std::vector<float> first(numbers.begin(), numbers.begin() + 4);
    EXPECT_THAT(first, Pointwise(FloatNear(kTolerance), Numbers{-0.111718565F, -0.496590108F,
                                                                0.163073704F, -0.88168776F}));
    // The last sixteen are drawn twice: 37 is no multiple of them.
    const std::vector<float> last(numbers.begin() + 20, numbers.end());
    EXPECT_THAT(
        last, Pointwise(FloatNear(kTolerance),
                        Numbers{0.28909719F, -0.27722767F, -2.18339777F, 0.366826355F, 0.766699731F,
                                0.0190354027F, 0.0219974313F, 1.15319991F, -0.339332461F,
                                -1.01743221F, 1.21924055F, 0.160126761F, -0.685702384F,
                                -0.0496370457F, -1.24850202F, -0.850858629F, -0.768991828F}));
    EXPECT_THAT(noise.draw(4),
                Pointwise(FloatNear(kTolerance),
                          Numbers{0.459331363F, 0.469606578F, 1.25501156F, 0.262623489F}));
}

TEST(NoiseTest, DrawsTheNoiseOfASentenceAsPyTorchDoes) {
    const std::vector<float> numbers = Noise(7).draw(std::size_t{1216} * 100);
    EXPECT_NEAR(numbers[0], -0.820134521, kTolerance);
    EXPECT_NEAR(numbers[3], -1.388403893, kTolerance);
    EXPECT_NEAR(numbers.back(), -1.224710464, kTolerance);
    double sum = 0;
    double squares = 0;
    for (const float number : numbers) {
        sum += number;
        squares += static_cast<double>(number) * number;
    }
    EXPECT_NEAR(sum, -298.710524434, 1e-2);
    EXPECT_NEAR(squares, 121359.283553347, 1e-2);
}

TEST(NoiseTest, KnowsSeedsByTheirLowerHalfOnlyAsPyTorchDoes) {
    EXPECT_EQ(Noise((std::uint64_t{1} << 32U) + 5).draw(20), Noise(5).draw(20));
    EXPECT_NE(Noise(6).draw(20), Noise(5).draw(20));
}

}  // namespace
}  // namespace titans::voice::f5tts
