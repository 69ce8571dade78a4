#include "text/lexicon.h"

#include <algorithm>
#include <iterator>

namespace titans::text {

void Lexicon::add(std::string_view word, std::uint32_t value) {
    if (word.empty() || word.size() > 255) return;
    entries_.push_back({.offset = static_cast<std::uint32_t>(letters_.size()),
                        .value = value,
                        .bytes = static_cast<std::uint8_t>(word.size())});
    letters_ += word;
}

void Lexicon::sort() {
    std::ranges::stable_sort(entries_, {}, [this](const Entry& entry) { return word(entry); });
    // Of equal words only the last stays.
    std::size_t kept = 0;
    for (std::size_t i = 0; i < entries_.size(); ++i) {
        if (i + 1 < entries_.size() && word(entries_[i]) == word(entries_[i + 1])) continue;
        if (entries_[i].value == kNoWord) continue;
        entries_[kept++] = entries_[i];
    }
    entries_.resize(kept);
    entries_.shrink_to_fit();
    letters_.shrink_to_fit();
}

void Lexicon::find_prefixes(std::string_view text, std::vector<Match>& found) const {
    found.clear();
    // The words that agree with the text so far lie side by side, the one that ends here first.
    auto first = entries_.begin();
    auto last = entries_.end();
    for (std::size_t at = 0; at < text.size() && first != last; ++at) {
        const auto letter_at = [this, at](const Entry& entry) {
            return static_cast<unsigned char>(word(entry)[at]);
        };
        const auto same = std::ranges::equal_range(
            first, last, static_cast<unsigned char>(text[at]), {}, letter_at);
        first = same.begin();
        last = same.end();
        if (first != last && first->bytes == at + 1) {
            found.push_back({.bytes = at + 1, .value = first->value});
            ++first;
        }
    }
}

std::optional<std::uint32_t> Lexicon::find(std::string_view searched) const {
    const auto at = std::ranges::lower_bound(entries_, searched, {},
                                             [this](const Entry& entry) { return word(entry); });
    if (at == entries_.end() || word(*at) != searched) return std::nullopt;
    return at->value;
}

std::uint64_t Lexicon::sum() const {
    return std::ranges::fold_left(entries_, std::uint64_t{0},
                                  [](std::uint64_t all, const Entry& e) { return all + e.value; });
}

}  // namespace titans::text
