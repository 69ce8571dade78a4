#include "knowledge/terms.h"

#include <algorithm>

#include "text/utf8.h"

namespace titans::knowledge {
namespace {

constexpr std::size_t kStart = 4;  // letters

/// The bytes of the first kStart characters of `word`, or none if it has no more or holds a digit.
std::string_view start_of(std::string_view word) {
    if (std::ranges::any_of(word, [](char c) { return c >= '0' && c <= '9'; })) return {};
    std::size_t end = 0;
    for (std::size_t letters = 0; letters < kStart && end < word.size(); ++letters) {
        text::next_code_point(word, end);
    }
    return end < word.size() ? word.substr(0, end) : std::string_view();
}

}  // namespace

std::vector<std::string> search_terms(text::WordCutter& words, std::string_view text) {
    std::vector<std::string> terms;
    for (std::string& word : words.cut(text)) {
        std::string start(start_of(word));
        terms.push_back(std::move(word));
        if (!start.empty()) terms.push_back(std::move(start));
    }
    return terms;
}

}  // namespace titans::knowledge
