#pragma once

#include <chrono>
#include <cstdlib>
#include <print>

#include "foundation/error.h"

namespace titans::bench {

/// What a program of the benchmarks cannot go on without.
template <typename T>
T or_exit(Result<T> result) {
    if (result) return *std::move(result);
    std::println(stderr, "{} {}", result.error().message, result.error().detail);
    std::exit(1);
}

/// How long `work` takes.
double seconds_of(const auto& work) {
    const auto start = std::chrono::steady_clock::now();
    work();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace titans::bench
