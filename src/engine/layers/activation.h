#pragma once

#include <cstdint>

namespace titans::engine {

/// GELU by the error function, and its approximation by the hyperbolic tangent: networks are
/// trained with one or the other.
enum class Activation : std::uint8_t { None, GeluErf, GeluTanh };

}  // namespace titans::engine
