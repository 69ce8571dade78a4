#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "text/sentences.h"

namespace titans::text {

/// Cuts text of any script into the words that lexical search compares.
///
/// Words are found by Unicode's rules (UAX #29; by ICU's dictionaries where a script writes no
/// spaces), after NFKC and case folding: "Ｔitan" and "TITAN" are one word. Arabic and Hebrew vowel
/// points, which most writers leave out, are dropped. A word is cut at its apostrophes, so that
/// "Aria's" holds "aria". Ideographs are given one by one and in pairs of neighbours, since where a
/// dictionary cuts them depends on the text around.
///
/// Not thread-safe; costly to make, cheap to use again.
class WordCutter {
public:
    WordCutter();

    /// In the order of the text, repeated ones too; valid UTF-8 without white space, of at most 96
    /// bytes each.
    std::vector<std::string> cut(std::string_view text);

    /// How many words a reader would count.
    std::size_t count(std::string_view text);

private:
    BreakIteratorHandle iterator_;
};

}  // namespace titans::text
