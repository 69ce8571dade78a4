#pragma once

#include <span>
#include <stop_token>

#include "foundation/error.h"

namespace titans::hearing::whisper {

/// Says what may follow the tokens of a text: Whisper's decoder.
class TokenReader {
public:
    virtual ~TokenReader() = default;

    /// Reads `tokens` behind the first `position` ones. Returns the logits of what follows them,
    /// [vocabulary], valid until the next call. Errors: Cancelled; Internal.
    virtual Result<std::span<const float>> read(std::span<const int> tokens, int position,
                                                const std::stop_token& stop) = 0;

    /// Makes `sequences` hypotheses that all begin with the first `length` tokens that were read.
    /// Errors: Internal.
    virtual Result<void> fork(int sequences, int length) = 0;

    /// Reads one token of each hypothesis behind `position` ones. Returns the logits of what
    /// follows, [sequences, vocabulary], valid until the next call. Errors: Cancelled; Internal.
    virtual Result<std::span<const float>> read_each(std::span<const int> tokens, int position,
                                                     const std::stop_token& stop) = 0;

    /// Hypothesis i goes on with what hypothesis sources[i] had in its first `length` tokens.
    virtual void reorder(std::span<const int> sources, int length) = 0;
};

}  // namespace titans::hearing::whisper
