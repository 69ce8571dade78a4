#pragma once

#include <span>

#include "hearing/whisper/vocabulary.h"

namespace titans::hearing::whisper {

enum class Timestamps : std::uint8_t { No, Yes };

/// Which tokens may follow in a window's text (openai/whisper, decoding.py: SuppressBlank,
/// SuppressTokens, ApplyTimestampRules).
class TokenRules {
public:
    TokenRules(const Vocabulary& vocabulary, Timestamps timestamps)
        : vocabulary_(vocabulary), timestamps_(timestamps) {}

    const Vocabulary& vocabulary() const { return vocabulary_; }

    /// Sets the logits, [vocabulary], of what may not follow `written` to minus infinity.
    void apply(std::span<float> logits, std::span<const int> written) const;

private:
    void apply_timestamps(std::span<float> logits, std::span<const int> written) const;

    const Vocabulary& vocabulary_;
    Timestamps timestamps_;
};

}  // namespace titans::hearing::whisper
