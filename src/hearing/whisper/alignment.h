#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "hearing/whisper/vocabulary.h"

namespace titans::hearing::whisper {

/// Some tokens that are a word together, with the marks that belong to it.
struct WordTokens {
    std::string text;  // UTF-8, with the space before it
    int first = 0;     // of the tokens
    int count = 0;
};

/// The words of a text. In a language that writes no spaces each character is one.
std::vector<WordTokens> split_words(const Vocabulary& vocabulary, std::span<const int> tokens,
                                    std::string_view language);

/// When tokens are said, in positions of the window: token i from the i-th number on, until the
/// next; one number more than tokens.
///
/// shares: where heads look at, [heads, rows, positions]; the row that writes token i looks at
/// where it is said. Of the rows those from `first` on, one for each token and one for the end, are
/// used. By dynamic time warping (openai/whisper, timing.py). Positions from `used` on are padding.
std::vector<int> token_times(std::span<const float> shares, int heads, int rows, int positions,
                             int first, int used);

/// The cheapest way through costs, [rows, columns], from the first corner to the last, one step in
/// either direction or both at a time: the first column of each row on it.
std::vector<int> warp(std::span<const float> costs, int rows, int columns);

}  // namespace titans::hearing::whisper
