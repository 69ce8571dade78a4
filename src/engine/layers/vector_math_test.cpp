#include "engine/layers/vector_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace titans::engine::vectors {
namespace {

std::vector<float> ramp() {
    std::vector<float> values;
    for (int i = -12'000; i <= 12'001; ++i) values.push_back(static_cast<float>(i) / 1000);
    return values;
}

TEST(VectorMath, KnowsGeluByTheErrorFunction) {
    const std::vector<float> x = ramp();
    std::vector<float> y(x.size());
    activate(x.data(), y.data(), x.size(), Activation::GeluErf);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double wanted = x[i] / 2.0 * (1 + std::erf(x[i] / std::sqrt(2.0)));
        EXPECT_NEAR(y[i], wanted, 1e-6 + std::abs(wanted) * 2e-7) << x[i];
    }
}

TEST(VectorMath, KnowsGeluByTheHyperbolicTangent) {
    const std::vector<float> x = ramp();
    std::vector<float> y(x.size());
    activate(x.data(), y.data(), x.size(), Activation::GeluTanh);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double inner =
            std::sqrt(2 / std::numbers::pi) * (x[i] + 0.044715 * std::pow(x[i], 3));
        const double wanted = x[i] / 2.0 * (1 + std::tanh(inner));
        EXPECT_NEAR(y[i], wanted, 1e-6 + std::abs(wanted) * 4e-7) << x[i];
    }
}

TEST(VectorMath, KnowsSiluAndMish) {
    const std::vector<float> x = [] {
        std::vector<float> values = ramp();
        for (const float far : {-1000.0F, -100.0F, -40.0F, 40.0F, 100.0F, 1000.0F})
            values.push_back(far);
        return values;
    }();
    std::vector<float> silu(x.size());
    std::vector<float> mish(x.size());
    activate(x.data(), silu.data(), x.size(), Activation::Silu);
    activate(x.data(), mish.data(), x.size(), Activation::Mish);
    for (std::size_t i = 0; i < x.size(); ++i) {
        const double wanted = x[i] / (1 + std::exp(-double{x[i]}));
        EXPECT_NEAR(silu[i], wanted, 1e-6 + std::abs(wanted) * 4e-7) << x[i];
        const double soft = x[i] > 50 ? x[i] : std::log1p(std::exp(double{x[i]}));
        EXPECT_NEAR(mish[i], x[i] * std::tanh(soft), 1e-6 + std::abs(x[i]) * 4e-7) << x[i];
    }
}

TEST(VectorMath, SharesOutByScore) {
    for (const std::size_t count : {1UZ, 15UZ, 16UZ, 100UZ}) {
        std::vector<float> scores(count);
        for (std::size_t i = 0; i < count; ++i) scores[i] = static_cast<float>(i % 17) * 9.0F - 80;
        std::vector<float> shares(count + 7, 1.0F);
        const float total = soften(scores.data(), 0.5F, count, count + 7, shares.data());
        double wanted = 0;
        const float top = *std::ranges::max_element(scores);
        for (std::size_t i = 0; i < count; ++i) {
            const double share = std::exp(0.5 * (double{scores[i]} - top));
            EXPECT_NEAR(shares[i], share, share * 1e-5 + 1e-29);
            wanted += share;
        }
        EXPECT_NEAR(total, wanted, wanted * 1e-5);
        for (std::size_t i = count; i < shares.size(); ++i) EXPECT_EQ(shares[i], 0);
    }
}

TEST(VectorMath, TransposesAnyNumberOfColumns) {
    for (const std::size_t count : {1UZ, 7UZ, 16UZ, 17UZ, 40UZ}) {
        std::vector<std::uint32_t> from(16 * (count + 3));
        for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<std::uint32_t>(i);
        std::vector<std::uint32_t> to(count * 20);
        transpose_16(from.data(), count + 3, to.data(), 20, count);
        for (std::size_t w = 0; w < count; ++w)
            for (std::size_t lane = 0; lane < 16; ++lane)
                EXPECT_EQ(to[w * 20 + lane], from[lane * (count + 3) + w]);
    }
}

TEST(VectorMath, RoundsToBf16AsTheProcessorDoes) {
    const std::vector<float> from{1.0F, -2.5F, 1.00390625F, 1.01171875F, 3.3e38F, 1e-30F};
    std::vector<Bf16> rounded(from.size());
    std::vector<float> back(from.size());
    to_bf16(from.data(), rounded.data(), from.size());
    from_bf16(rounded.data(), back.data(), from.size());
    EXPECT_EQ(back[0], 1.0F);
    EXPECT_EQ(back[1], -2.5F);
    EXPECT_EQ(back[2], 1.0F);       // halfway: to the even one
    EXPECT_EQ(back[3], 1.015625F);  // halfway: to the even one
    EXPECT_NEAR(back[4], 3.3e38F, 3.3e38F / 256);
    EXPECT_NEAR(back[5], 1e-30F, 1e-30F / 256);
}

}  // namespace
}  // namespace titans::engine::vectors
