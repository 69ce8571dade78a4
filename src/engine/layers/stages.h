#pragma once

#include <functional>
#include <string_view>

#include "engine/layers/graph.h"

namespace titans::engine {

/// Told, while a network is drawn, which node holds which stage of it: "projection", "block.3",
/// "logits". Whoever compares a network with its reference makes them outputs of the graph.
using StageSink = std::function<void(std::string_view name, Node value)>;

}  // namespace titans::engine
