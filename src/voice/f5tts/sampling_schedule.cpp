#include "voice/f5tts/sampling_schedule.h"

#include <array>
#include <cmath>
#include <numbers>
#include <optional>
#include <random>
#include <span>

namespace titans::voice::f5tts {
namespace {

/// The pruned moments of so many steps, in 32nds; none if there are none.
std::span<const int> pruned_times(int steps) {
    static constexpr std::array kOf5{0, 2, 4, 8, 16, 32};
    static constexpr std::array kOf6{0, 2, 4, 6, 8, 16, 32};
    static constexpr std::array kOf7{0, 2, 4, 6, 8, 16, 24, 32};
    static constexpr std::array kOf10{0, 2, 4, 6, 8, 12, 16, 20, 24, 28, 32};
    static constexpr std::array kOf12{0, 2, 4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32};
    static constexpr std::array kOf16{0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 32};
    switch (steps) {
        case 5:
            return kOf5;
        case 6:
            return kOf6;
        case 7:
            return kOf7;
        case 10:
            return kOf10;
        case 12:
            return kOf12;
        case 16:
            return kOf16;
        default:
            return {};
    }
}

}  // namespace

std::vector<float> sampling_times(int steps, float sway) {
    std::vector<float> times;
    for (const int time : pruned_times(steps)) times.push_back(static_cast<float>(time) / 32);
    for (int i = static_cast<int>(times.size()); i <= steps; ++i)
        times.push_back(static_cast<float>(i) / static_cast<float>(steps));
    constexpr float kQuarterTurn = std::numbers::pi_v<float> / 2;
    for (float& time : times) time += sway * (std::cos(kQuarterTurn * time) - 1 + time);
    return times;
}

/// The generator and what PyTorch derives from it (aten/src/ATen/core/DistributionsHelper.h and
/// native/cpu/DistributionTemplates.h): two normal numbers of two even ones by Box and Muller.
struct Noise::State {
    std::mt19937 random;
    std::optional<double> second;  // of the last pair drawn one by one

    /// In [0, 1), of 24 bits.
    float even() {
        constexpr std::uint32_t kBits = 24;
        return static_cast<float>(random() & ((1U << kBits) - 1)) / (1U << kBits);
    }
    /// In [0, 1), of 53 bits.
    double fine_even() {
        constexpr std::uint64_t kBits = 53;
        const std::uint64_t high = random();
        const std::uint64_t number = high << 32U | random();
        return static_cast<double>(number & ((std::uint64_t{1} << kBits) - 1)) /
               static_cast<double>(std::uint64_t{1} << kBits);
    }
    double one() {
        if (second) return *std::exchange(second, std::nullopt);
        const double turn = 2 * std::numbers::pi * fine_even();
        const double radius = std::sqrt(-2 * std::log1p(-fine_even()));
        second = radius * std::sin(turn);
        return radius * std::cos(turn);
    }
};

namespace {

/// A block of PyTorch's: the first half and the second make pairs.
constexpr std::size_t kBlock = 16;

/// Even numbers to normal ones.
void make_normal(std::span<float, kBlock> block) {
    for (std::size_t i = 0; i < kBlock / 2; ++i) {
        const float radius = std::sqrt(-2 * std::log(1 - block[i]));
        const float turn = 2 * std::numbers::pi_v<float> * block[i + kBlock / 2];
        block[i] = radius * std::cos(turn);
        block[i + kBlock / 2] = radius * std::sin(turn);
    }
}

}  // namespace

Noise::Noise(std::uint64_t seed)
    : state_(new State{.random = std::mt19937(static_cast<std::uint32_t>(seed)), .second = {}}) {}

Noise::~Noise() = default;

std::vector<float> Noise::draw(std::size_t count) {
    std::vector<float> numbers(count);
    if (count < kBlock) {
        for (float& number : numbers) number = static_cast<float>(state_->one());
        return numbers;
    }
    for (float& number : numbers) number = state_->even();
    const std::span all(numbers);
    for (std::size_t first = 0; first + kBlock <= count; first += kBlock)
        make_normal(all.subspan(first).first<kBlock>());
    if (count % kBlock != 0) {
        const auto last = all.last<kBlock>();  // drawn once more
        for (float& number : last) number = state_->even();
        make_normal(last);
    }
    return numbers;
}

}  // namespace titans::voice::f5tts
