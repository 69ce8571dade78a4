#pragma once

#include <array>
#include <cstdlib>
#include <functional>
#include <print>
#include <span>
#include <string>
#include <vector>

#include "engine/layers/graph.h"

namespace titans::bench {

using engine::GraphBuilder;
using engine::Node;
using engine::Weights;

struct Input {
    std::int64_t rows;
    std::int64_t width;
};

struct Parameter {
    std::string name;
    std::vector<std::int64_t> shape;  // slowest first
};

/// One layer, or a few.
struct Case {
    std::string name;
    double operations = 0;  // multiplications and additions; 0 where they say nothing
    double nodes = 1;       // to share the time out among
    std::vector<Parameter> parameters;
    std::vector<Input> inputs;
    std::function<std::function<Node(GraphBuilder&, std::span<const Node>)>(Weights&)> draw;
    std::array<std::int64_t, 3> product{};  // rows, in, out: where OpenBLAS can do the same
};

/// What the networks are made of, at their sizes.
std::vector<Case> cases();

template <typename Value>
Value or_exit(Result<Value> result) {
    if (!result) {
        std::println(stderr, "{} {}", result.error().message, result.error().detail);
        std::exit(1);
    }
    return *std::move(result);
}

}  // namespace titans::bench
