#pragma once

#include <ggml-alloc.h>
#include <ggml-cpp.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "engine/layers/attention_operation.h"
#include "engine/layers/graph.h"
#include "engine/layers/operation.h"

namespace titans::engine {

/// What a graph is made of, and what its nodes refer to.
struct GraphBuilder::Parts {
    ggml_context_ptr context;
    ggml_cgraph* graph = nullptr;
    ggml_gallocr_ptr memory;
    std::map<Node, std::unique_ptr<Operation>> operations;
    std::map<Node, std::vector<std::int32_t>> integers;  // what integer inputs were given last
    std::vector<std::function<void()>> derived;          // inputs that follow from those
    std::map<std::pair<std::int64_t, std::int64_t>, std::shared_ptr<const Turns>> turns;
    std::vector<int> cuts;            // how many nodes are before each
    ggml_context_ptr pieces_context;  // of what the cuts made of the graph
    std::vector<ggml_cgraph*> pieces;
    std::optional<Error> error;  // of drawing

    /// The memory of the nodes' values, where the processor's cores compute them.
    std::span<std::byte> values() const;
    /// Makes `pieces` of the graph that is drawn.
    void take_apart();
    /// Nodes of a piece.
    int size_of(std::size_t piece) const {
        return cuts[piece] - (piece == 0 ? 0 : cuts[piece - 1]);
    }
};

}  // namespace titans::engine
