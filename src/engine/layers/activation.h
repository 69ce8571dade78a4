#pragma once

#include <cstdint>

namespace titans::engine {

/// GELU by the error function, and its approximation by the hyperbolic tangent (networks are
/// trained with one or the other); x / (1 + e^-x); x tanh(ln(1 + e^x)).
enum class Activation : std::uint8_t { None, GeluErf, GeluTanh, Silu, Mish };

}  // namespace titans::engine
