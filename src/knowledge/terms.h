#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/words.h"

namespace titans::knowledge {

/// What lexical search compares: the words of `text` in their order, and behind each of more than
/// four letters its first four. So "Thursday" finds "Thursdays", and a Russian noun its cases,
/// without a stemmer for each language; the whole word, rarer, still weighs more.
std::vector<std::string> search_terms(text::WordCutter& words, std::string_view text);

}  // namespace titans::knowledge
