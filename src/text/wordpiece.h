#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "foundation/error.h"

namespace titans::text {

/// Cuts text into the tokens of a BERT (arXiv:1810.04805), as transformers' BertTokenizer does:
/// words at white space, punctuation and ideographs; of each word the longest piece of the
/// vocabulary, and so on with the rest of it. A special token written in the text counts as that
/// token.
///
/// Immutable, so thread-safe.
class WordPiece {
public:
    struct Options {
        bool lower_case = true;
        bool strip_accents = true;
        bool split_ideographs = true;
    };

    /// `tokens` are the vocabulary by id; those that continue a word begin with ##. Errors:
    /// Unsupported if [PAD], [UNK], [CLS] or [SEP] is not among them.
    static Result<WordPiece> open(const std::vector<std::string>& tokens, const Options& options);

    /// The ids of [CLS], the first tokens of `text` (UTF-8; what is malformed is left out) and
    /// [SEP]: at most `most`, which is at least 2. Reads little more of the text than it needs.
    std::vector<std::int32_t> encode(std::string_view text, std::size_t most) const;

    std::int32_t padding() const { return padding_; }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const noexcept {
            return std::hash<std::string_view>()(text);
        }
    };
    using Pieces = std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>>;
    struct Special {
        std::string text;
        std::int32_t id;
    };
    class Cutter;

    WordPiece() = default;

    Options options_;
    Pieces beginnings_;
    Pieces continuations_;     // without their ##
    std::size_t longest_ = 0;  // bytes of a piece
    std::vector<Special> specials_;
    std::int32_t padding_ = 0;
    std::int32_t unknown_ = 0;
    std::int32_t start_ = 0;
    std::int32_t end_ = 0;
};

}  // namespace titans::text
