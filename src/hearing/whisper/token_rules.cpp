#include "hearing/whisper/token_rules.h"

#include <cassert>
#include <limits>

namespace titans::hearing::whisper {

void TokenRules::apply(std::span<float> logits, std::span<const int> written) const {
    assert(std::cmp_equal(logits.size(), vocabulary_.size()));
    constexpr float kNever = -std::numeric_limits<float>::infinity();
    if (written.empty()) {
        for (const int id : vocabulary_.suppressed_first())
            logits[static_cast<std::size_t>(id)] = kNever;
    }
    for (const int id : vocabulary_.suppressed()) logits[static_cast<std::size_t>(id)] = kNever;
}

}  // namespace titans::hearing::whisper
