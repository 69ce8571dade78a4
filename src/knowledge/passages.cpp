#include "knowledge/passages.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "knowledge/terms.h"
#include "text/sentences.h"
#include "text/utf8.h"
#include "text/words.h"

namespace titans::knowledge {

namespace {

constexpr std::size_t kWords = 150;
constexpr std::size_t kFewWords = 50;  // a passage of fewer goes on into the next block
constexpr std::size_t kOverlap = 30;
constexpr std::size_t kLongestOverlap = 45;
constexpr std::size_t kCharacters = 1200;
constexpr std::size_t kCharactersOfPart = 400;  // of a sentence that is too long for a passage
constexpr std::size_t kWrappedLine = 50;  // characters; a shorter line ends where its writer wanted

/// A sentence, or a part of one that is too long.
struct Piece {
    std::string_view text;  // into its block
    std::size_t block = 0;
    std::size_t words = 0;
    std::size_t characters = 0;
};

/// A block with spaces for the line ends inside its sentences; offsets stay the same.
std::string unwrap(std::string_view block) {
    std::string flat(block);
    for (std::size_t line = 0; line < block.size();) {
        const std::size_t end = block.find('\n', line);
        if (end == std::string_view::npos) break;
        const bool wrapped =
            text::count_code_points(block.substr(line, end - line)) >= kWrappedLine;
        const std::string_view next = block.substr(end + 1);
        const bool item =
            next.starts_with("- ") || next.starts_with("* ") || next.starts_with("• ");
        if (wrapped && !item) flat[end] = ' ';
        line = end + 1;
    }
    return flat;
}

/// The first part of `text`, cut at white space if there is any.
std::string_view first_part(std::string_view text) {
    std::size_t at = 0;
    std::size_t space = 0;
    for (std::size_t count = 0; at < text.size(); ++count) {
        if (count == kCharactersOfPart) return text.substr(0, space > 0 ? space : at);
        const std::size_t before = at;
        if (text::is_space(text::next_code_point(text, at)) && before > 0) space = before;
    }
    return text;
}

class Cutter {
public:
    std::vector<store::NewPassage> cut(const Document& document) {
        for (const std::string& block : document.blocks) add_block(block);
        for (std::size_t first = 0; first < pieces_.size();) {
            const std::size_t last = find_last(first);
            add_passage(first, last);
            first = last == pieces_.size() ? last : next_start(first, last);
        }
        return std::move(passages_);
    }

private:
    void add_block(const std::string& block) {
        const std::string flat = unwrap(block);
        std::size_t words = 0;
        const auto add = [&](std::string_view text) {
            // Of the block itself, which outlives `flat`.
            const std::string_view original = std::string_view(block).substr(
                static_cast<std::size_t>(text.data() - flat.data()), text.size());
            pieces_.push_back(
                {original, block_words_.size(), words_.count(text), text::count_code_points(text)});
            words += pieces_.back().words;
        };
        for (std::string_view sentence : sentences_.cut(flat)) {
            while (words_.count(sentence) > kWords ||
                   text::count_code_points(sentence) > kCharacters) {
                const std::string_view part = first_part(sentence);
                if (part.size() == sentence.size()) break;  // many words of few characters
                add(text::trim(part));
                sentence = text::trim(sentence.substr(part.size()));
            }
            if (!sentence.empty()) add(sentence);
        }
        block_words_.push_back(words);
    }

    bool starts_block(std::size_t piece) const {
        return piece == 0 || pieces_[piece - 1].block != pieces_[piece].block;
    }

    static bool fits(std::size_t words, std::size_t characters, const Piece& piece) {
        return words + piece.words <= kWords && characters + piece.characters <= kCharacters;
    }

    /// One behind the last piece of the passage that starts with `first`.
    std::size_t find_last(std::size_t first) const {
        std::size_t words = 0;
        std::size_t characters = 0;
        std::size_t last = first;
        for (; last < pieces_.size(); ++last) {
            const Piece& piece = pieces_[last];
            if (last > first) {
                if (!fits(words, characters, piece)) break;
                if (starts_block(last) && words >= kFewWords &&
                    words + block_words_[piece.block] > kWords)
                    break;
            }
            words += piece.words;
            characters += piece.characters + 1;
        }
        return last;
    }

    /// Where the passage behind [first, last) starts: some sentences before `last`, if it is inside
    /// a block.
    std::size_t next_start(std::size_t first, std::size_t last) const {
        std::size_t start = last;
        std::size_t words = 0;
        std::size_t characters = 0;
        while (start > first + 1 && words < kOverlap && !starts_block(start)) {
            const Piece& piece = pieces_[start - 1];
            if (words + piece.words > kLongestOverlap) break;
            words += piece.words;
            characters += piece.characters + 1;
            --start;
        }
        // The passage must get further than this one did.
        for (; start < last && !fits(words, characters, pieces_[last]); ++start) {
            words -= pieces_[start].words;
            characters -= pieces_[start].characters + 1;
        }
        return start;
    }

    void add_passage(std::size_t first, std::size_t last) {
        std::string text;
        for (std::size_t start = first; start < last;) {
            // What stands between the sentences of a block comes along.
            std::size_t end = start + 1;
            while (end < last && !starts_block(end)) ++end;
            const char* from = pieces_[start].text.data();
            const std::string_view& back = pieces_[end - 1].text;
            if (!text.empty()) text += "\n\n";
            text.append(from, back.data() + back.size());
            start = end;
        }
        std::vector<std::string> words = search_terms(words_, text);
        if (words.empty()) return;  // nothing but signs
        passages_.push_back({std::move(text), std::move(words)});
    }

    text::SentenceCutter sentences_;
    text::WordCutter words_;
    std::vector<Piece> pieces_;
    std::vector<std::size_t> block_words_;
    std::vector<store::NewPassage> passages_;
};

}  // namespace

std::vector<store::NewPassage> cut_passages(const Document& document) {
    return Cutter().cut(document);
}

}  // namespace titans::knowledge
