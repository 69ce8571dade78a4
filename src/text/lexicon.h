#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace titans::text {

/// Words and a number for each, searched by what a text begins with.
///
/// Add all the words, then call sort() once; from then on immutable, so thread-safe. Holds about
/// 12 bytes a word besides its letters.
class Lexicon {
public:
    static constexpr std::uint32_t kNoWord = 0xFFFFFFFF;

    struct Match {
        std::size_t bytes;  // of the word
        std::uint32_t value;
    };

    /// Of a word added twice the later value counts; none, with the value kNoWord. `word`: of 1 to
    /// 255 bytes, others are left out.
    void add(std::string_view word, std::uint32_t value);
    void sort();

    /// Every word that `text` begins with, shortest first, in place of what is in `found`.
    void find_prefixes(std::string_view text, std::vector<Match>& found) const;

    std::optional<std::uint32_t> find(std::string_view word) const;

    std::size_t size() const { return entries_.size(); }

    /// Of all values.
    std::uint64_t sum() const;

private:
    struct Entry {
        std::uint32_t offset;
        std::uint32_t value;
        std::uint8_t bytes;
    };
    std::string_view word(const Entry& entry) const {
        return std::string_view(letters_).substr(entry.offset, entry.bytes);
    }

    std::string letters_;
    std::vector<Entry> entries_;
};

}  // namespace titans::text
