#pragma once

#include <random>
#include <span>
#include <string_view>
#include <vector>

namespace titans::hearing::whisper {

/// Whether a token of Whisper's vocabulary stands for a sound rather than for a word: brackets,
/// notes, rows of dashes (openai/whisper, tokenizer.py, non_speech_tokens). Whisper writes captions
/// with them.
bool is_caption_mark(std::string_view token);

struct ChosenToken {
    int id = 0;
    double log_probability = 0;
};

/// One of the tokens whose `allowed` is true, by `logits` of the same size: the likeliest at
/// `temperature` 0, else drawn from them. At least one is allowed.
ChosenToken choose_token(std::span<const float> logits, const std::vector<bool>& allowed,
                         double temperature, std::mt19937& random);

/// Whether the end of `tokens` goes in circles: the entropy of the last 32 is below 2.4 nats
/// (arXiv:2212.04356, section 4.5, bounds the compression ratio instead, for the same end).
bool goes_in_circles(std::span<const int> tokens);

}  // namespace titans::hearing::whisper
