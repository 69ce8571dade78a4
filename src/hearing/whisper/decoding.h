#pragma once

#include <random>
#include <span>
#include <stop_token>
#include <vector>

#include "foundation/error.h"
#include "hearing/whisper/token_reader.h"
#include "hearing/whisper/token_rules.h"

namespace titans::hearing::whisper {

/// A text as it was written: its tokens without the end, and how likely they are.
struct Written {
    std::vector<int> tokens;
    std::vector<float> log_probabilities;  // of each
    double sum = 0;                        // of them, and of the end's
    bool in_circles = false;               // repeats itself

    /// Of a token, the end counted.
    double mean_log_probability() const { return sum / (static_cast<double>(tokens.size()) + 1); }
};

/// Where a text begins: what `reader` read before, and the logits of what follows, [vocabulary].
struct Beginning {
    std::vector<float> logits;
    int position = 0;  // tokens that were read
    int most = 0;      // tokens that may follow
};

struct Sampling {
    double temperature = 0;  // 0: the likeliest token each time
    int hypotheses = 1;      // of which the likeliest is taken
};

/// Writes token by token. Errors: those of `reader`.
Result<Written> write_tokens(TokenReader& reader, const TokenRules& rules,
                             const Beginning& beginning, const Sampling& sampling,
                             std::mt19937& random, const std::stop_token& stop);

/// Follows the `beams` likeliest hypotheses side by side until as many have ended, and takes the
/// one of the greatest probability for each token. Errors: those of `reader`.
Result<Written> write_beams(TokenReader& reader, const TokenRules& rules,
                            const Beginning& beginning, int beams, const std::stop_token& stop);

}  // namespace titans::hearing::whisper
