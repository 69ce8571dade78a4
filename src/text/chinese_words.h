#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "foundation/error.h"
#include "text/lexicon.h"

namespace titans::text {

/// Where the data about Chinese lie: in the packages opencc-jieba-data and python3-pypinyin.
struct ChineseFiles {
    /// A word, its frequency and its kind on each line.
    std::filesystem::path dictionary = "/usr/share/opencc/jieba_dict/jieba.dict.utf8";
    /// The log probabilities of where in a word an ideograph stands.
    std::filesystem::path positions = "/usr/share/opencc/jieba_dict/hmm_model.utf8";
    /// {"word": [["reading"], ...]} and {"code point": "reading,reading"}, tones as accents.
    std::filesystem::path phrases = "/usr/lib/python3/dist-packages/pypinyin/phrases_dict.json";
    std::filesystem::path characters = "/usr/lib/python3/dist-packages/pypinyin/pinyin_dict.json";
};

/// Cuts text into words as Jieba does, in the form that its Rust edition has (jieba-rs 0.11): what
/// networks have learned from text cut by it must be cut alike. Ideographs by the likeliest path
/// through a dictionary, what it does not know by a hidden Markov model of four states; Latin
/// letters and digits in runs ("v1.2", "50%"); all else by character.
///
/// Immutable, so thread-safe.
class ChineseWords {
public:
    /// Without a dictionary: exact for text that has no ideographs.
    ChineseWords();

    /// Errors: Unsupported if a file cannot be read or is not what it should be.
    static Result<ChineseWords> open(const ChineseFiles& files);

    /// The words of `text`, valid UTF-8, in order; views into it, which together are all of it.
    std::vector<std::string_view> cut(std::string_view text) const;

private:
    /// Where in its word a character stands.
    enum Position : std::uint8_t { Begins, Ends, Continues, Alone };
    using Scores = std::array<double, 4>;  // natural logarithms, by Position
    struct Character {
        std::size_t offset;  // bytes, in the text
        char32_t code_point;
    };

    Result<void> read_dictionary(const std::filesystem::path& path);
    Result<void> read_positions(const std::filesystem::path& path);
    void add_words_of_our_own();

    /// Appends to `words` those of text[start, end), all of which may stand in words.
    void cut_run(std::string_view text, std::size_t start, std::size_t end,
                 std::vector<std::string_view>& words) const;
    void cut_unknown(std::string_view text, std::vector<std::string_view>& words) const;
    void cut_by_position(std::string_view text, std::vector<std::string_view>& words) const;

    Lexicon dictionary_;
    double log_total_ = 0;  // of all frequencies
    Scores first_{};
    std::array<Scores, 4> next_{};
    std::unordered_map<char32_t, Scores> letters_;
};

}  // namespace titans::text
