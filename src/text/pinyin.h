#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "foundation/error.h"
#include "text/chinese_words.h"
#include "text/lexicon.h"

namespace titans::text {

/// How Mandarin is read: pypinyin 0.55's readings with its rules of sandhi, which networks were
/// taught. Words of several characters that it has are read as a whole (银行 yin2 hang2), others
/// by each character's most frequent reading.
///
/// Immutable, so thread-safe. Holds about 5 MB.
class Pinyin {
public:
    /// Errors: Unsupported if a file cannot be read or is not what it should be.
    static Result<Pinyin> open(const ChineseFiles& files);

    /// The readings of `word` (valid UTF-8; one word, as from ChineseWords), one for each
    /// character: "zhong1", with "v" for "ü" and the tone behind, a neutral one without number.
    /// A character without a reading is its own; so are others side by side, together.
    std::vector<std::string> read(std::string_view word) const;

private:
    /// The bytes of the longest word that `text` begins with and has a reading as a whole; its
    /// readings are appended. 0 if there is none.
    std::size_t read_phrase(std::string_view text, std::vector<std::string>& readings) const;

    std::vector<std::string> syllables_;  // every one there is, once
    Lexicon phrases_;                     // where in phrase_syllables_ its own begin
    std::vector<std::uint16_t> phrase_syllables_;
    std::unordered_map<char32_t, std::uint16_t> characters_;
};

}  // namespace titans::text
