#pragma once

#include <span>

#include "hearing/whisper/vocabulary.h"

namespace titans::hearing::whisper {

/// Which tokens may follow in a window's text (openai/whisper, decoding.py: SuppressBlank,
/// SuppressTokens). Times are not written: windows are cut where it is quiet.
class TokenRules {
public:
    explicit TokenRules(const Vocabulary& vocabulary) : vocabulary_(vocabulary) {}

    const Vocabulary& vocabulary() const { return vocabulary_; }

    /// Sets the logits, [vocabulary], of what may not follow `written` to minus infinity.
    void apply(std::span<float> logits, std::span<const int> written) const;

private:
    const Vocabulary& vocabulary_;
};

}  // namespace titans::hearing::whisper
