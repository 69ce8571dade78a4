#include "audio/fourier.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <random>
#include <vector>

namespace titans::audio {
namespace {

TEST(RealFourier, IsTheSumOfItsDefinition) {
    std::mt19937 random(5);  // NOLINT(cert-msc51-cpp): the same in every run
    std::normal_distribution<float> level;
    for (const int size : {16, 256, 400, 1024, 1200}) {
        const auto fourier = RealFourier::make(size);
        ASSERT_TRUE(fourier) << size;
        const auto count = static_cast<std::size_t>(size);
        std::vector<float> samples(count);
        for (float& sample : samples) sample = level(random);
        std::vector<std::complex<float>> bins(count / 2 + 1);
        fourier->transform(samples, bins);
        for (std::size_t bin = 0; bin < bins.size(); bin += 7) {
            std::complex<double> sum;
            for (std::size_t i = 0; i < count; ++i) {
                const double turns = static_cast<double>(bin * i % count) / size;
                sum += std::polar(double{samples[i]}, -2 * std::numbers::pi * turns);
            }
            EXPECT_LT(std::abs(std::complex<double>(bins[bin]) - sum), 1e-5 * size) << size;
        }
    }
}

TEST(InverseRealFourier, GivesBackWhatWasTransformed) {
    std::mt19937 random(6);  // NOLINT(cert-msc51-cpp): the same in every run
    std::normal_distribution<float> level;
    for (const int size : {16, 400, 1024}) {
        const auto there = RealFourier::make(size);
        const auto back = InverseRealFourier::make(size);
        ASSERT_TRUE(there && back) << size;
        const auto count = static_cast<std::size_t>(size);
        std::vector<float> samples(count);
        for (float& sample : samples) sample = level(random);
        std::vector<std::complex<float>> bins(count / 2 + 1);
        there->transform(samples, bins);
        // Samples that are real have none.
        bins.front().imag(3);
        bins.back().imag(-5);
        std::vector<float> again(count);
        back->transform(bins, again);
        for (std::size_t i = 0; i < count; ++i) EXPECT_NEAR(again[i], samples[i], 1e-5) << size;
    }
}

}  // namespace
}  // namespace titans::audio
