#pragma once

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "engine/layers/device.h"

namespace titans::bench {

/// The kinds of layers of a profile, that of the most time first: how many there were, their
/// milliseconds, their share of all, and how fast they were.
inline nlohmann::ordered_json shares_of(const engine::Profile& profile) {
    std::vector<std::pair<std::string, engine::Profile::Kind>> kinds(profile.kinds.begin(),
                                                                     profile.kinds.end());
    std::ranges::sort(kinds, std::ranges::greater(),
                      [](const auto& kind) { return kind.second.seconds; });
    double total = 0;
    for (const auto& [name, kind] : kinds) total += kind.seconds;
    nlohmann::ordered_json rows = nlohmann::ordered_json::array();
    for (const auto& [name, kind] : kinds) {
        rows.push_back({{"kind", name},
                        {"nodes", kind.nodes},
                        {"ms", std::round(kind.seconds * 1e4) / 10},
                        {"share", std::round(kind.seconds / total * 1000) / 1000},
                        {"gflops", std::round(kind.operations / kind.seconds / 1e9)}});
    }
    return rows;
}

}  // namespace titans::bench
