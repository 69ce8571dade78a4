#pragma once

#include <chrono>
#include <compare>
#include <cstdint>

namespace titans {

/// Samples per second.
struct SampleRate {
    int hz = 0;
    auto operator<=>(const SampleRate&) const = default;
};

/// The key of a character's record; positive.
struct CharacterId {
    std::int64_t value = 0;
    auto operator<=>(const CharacterId&) const = default;
};

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

inline Milliseconds since(Clock::time_point start) { return Clock::now() - start; }

}  // namespace titans
