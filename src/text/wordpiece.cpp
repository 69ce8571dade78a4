#include "text/wordpiece.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <format>
#include <new>

#include "text/utf8.h"

namespace titans::text {
namespace {

constexpr std::size_t kLongestWord = 100;  // code points; longer ones are [UNK]
constexpr std::size_t kStretch = 1024;     // bytes that are decomposed at once, or few more
constexpr std::array<std::string_view, 5> kSpecials{"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

bool is_ascii(char32_t c) { return c < 0x80; }

/// Whether `c` is of one of the general categories in `mask`. What Unicode has had only since
/// version 9 is of none: the tables of the reference (tokenizers, normalizers/bert.rs) are older.
bool is_of(char32_t c, std::uint32_t mask) {
    const auto point = static_cast<UChar32>(c);
    if ((U_GET_GC_MASK(point) & mask) == 0) return false;
    UVersionInfo since{};
    u_charAge(point, since);
    return since[0] < 9;
}

/// Controls, formats and private use are left out, but tabs and line ends are white space.
bool is_left_out(char32_t c) {
    if (c == U'\t' || c == U'\n' || c == U'\r') return false;
    if (is_ascii(c)) return c < 0x20 || c == 0x7F;
    constexpr std::uint32_t kOther = U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK | U_GC_CS_MASK;
    return c == 0xFFFD || is_of(c, kOther);
}

bool is_punctuation(char32_t c) {
    if (is_ascii(c)) {
        const bool is_letter = (c | 0x20U) >= U'a' && (c | 0x20U) <= U'z';
        return c > U' ' && c < 0x7F && !is_letter && !(c >= U'0' && c <= U'9');
    }
    return is_of(c, U_GC_P_MASK);
}

/// The blocks that count as Chinese, one of them from where the reference has it begin.
bool is_ideograph(char32_t c) {
    struct Block {
        char32_t first;
        char32_t last;
    };
    constexpr std::array kBlocks{Block{0x3400, 0x4DBF},   Block{0x4E00, 0x9FFF},
                                 Block{0xF900, 0xFAFF},   Block{0x20000, 0x2A6DF},
                                 Block{0x2A700, 0x2B73F}, Block{0x2B740, 0x2B81F},
                                 Block{0x2B920, 0x2CEAF}, Block{0x2F800, 0x2FA1F}};
    return c >= kBlocks.front().first && std::ranges::any_of(kBlocks, [c](const Block& block) {
               return c >= block.first && c <= block.last;
           });
}

const UNormalizer2* decomposition() {
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* normalizer = unorm2_getNFDInstance(&status);
    if (U_FAILURE(status)) throw std::bad_alloc();  // it is part of ICU: only memory can be missing
    return normalizer;
}

/// Whether a text may be cut before `c` to be decomposed.
bool can_stand_first(char32_t c) {
    return is_ascii(c) || unorm2_hasBoundaryBefore(decomposition(), static_cast<UChar32>(c)) != 0;
}

/// Canonically decomposed.
std::u16string decompose(std::string_view text) {
    std::u16string wide;
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = next_code_point(text, i);
        if (c >= 0x10000) wide += static_cast<char16_t>(U16_LEAD(c));
        wide += static_cast<char16_t>(c >= 0x10000 ? U16_TRAIL(c) : c);
    }
    UErrorCode status = U_ZERO_ERROR;
    std::u16string decomposed(wide.size() * 4 + 4, u'\0');  // what the longest decomposition needs
    const std::int32_t length =
        unorm2_normalize(decomposition(), wide.data(), static_cast<std::int32_t>(wide.size()),
                         decomposed.data(), static_cast<std::int32_t>(decomposed.size()), &status);
    if (U_FAILURE(status)) throw std::bad_alloc();
    decomposed.resize(static_cast<std::size_t>(length));
    return decomposed;
}

}  // namespace

/// One encode().
class WordPiece::Cutter {
public:
    Cutter(const WordPiece& pieces, std::size_t most) : pieces_(pieces), most_(most) {}

    /// The ids of the first tokens of `text`.
    std::vector<std::int32_t> cut(std::string_view text) && {
        for (std::size_t i = 0; i < text.size() && !is_full();) {
            if (const Special* special = find_special(text.substr(i))) {
                end_stretch();
                ids_.push_back(special->id);
                i += special->text.size();
                continue;
            }
            const std::size_t from = i;
            const char32_t c = next_code_point(text, i);
            if (is_left_out(c)) continue;
            if (is_space(c)) {
                end_stretch();
            } else if (pieces_.options_.split_ideographs && is_ideograph(c)) {
                end_stretch();
                stretch_ = text.substr(from, i - from);
                is_plain_ = false;
                end_stretch();
            } else {
                if (stretch_.size() >= kStretch && can_stand_first(c)) take_stretch();
                stretch_ += text.substr(from, i - from);
                is_plain_ = is_plain_ && is_ascii(c);
            }
        }
        end_stretch();
        if (ids_.size() > most_) ids_.resize(most_);
        return std::move(ids_);
    }

private:
    bool is_full() const { return ids_.size() >= most_; }

    const Special* find_special(std::string_view rest) const {
        if (!rest.starts_with('[')) return nullptr;
        const auto found = std::ranges::find_if(pieces_.specials_, [rest](const Special& special) {
            return rest.starts_with(special.text);
        });
        return found == pieces_.specials_.end() ? nullptr : &*found;
    }

    /// The stretch, a run of what is not white space, ends a word.
    void end_stretch() {
        take_stretch();
        end_word();
    }

    void take_stretch() {
        if (is_plain_ || !pieces_.options_.strip_accents) {
            for (std::size_t i = 0; i < stretch_.size() && !is_full();)
                add(next_code_point(stretch_, i));
        } else {
            const std::u16string decomposed = decompose(stretch_);
            for (std::size_t i = 0; i < decomposed.size() && !is_full();) {
                UChar32 c = 0;
                U16_NEXT(decomposed.data(), i, decomposed.size(), c);
                const auto point = static_cast<char32_t>(c);
                if (!is_of(point, U_GC_MN_MASK)) add(point);
            }
        }
        stretch_.clear();
        is_plain_ = true;
    }

    void add(char32_t c) {
        if (pieces_.options_.lower_case) {
            if (c == 0x130) {  // the only capital with two small letters: i and a dot above
                add_to_word(U'i');
                c = 0x307;
            } else if (is_ascii(c)) {
                if (c >= U'A' && c <= U'Z') c |= 0x20U;
            } else {
                c = static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
            }
        }
        const bool is_mark = is_punctuation(c);
        if (is_mark) end_word();
        add_to_word(c);
        if (is_mark) end_word();
    }

    void add_to_word(char32_t c) {
        if (++word_length_ <= kLongestWord) append(word_, c);
    }

    void end_word() {
        if (word_length_ > 0) cut_word();
        word_.clear();
        word_length_ = 0;
    }

    void cut_word() {
        const std::size_t before = ids_.size();
        std::string_view rest = word_;
        if (word_length_ > kLongestWord) return ids_.push_back(pieces_.unknown_);
        while (!rest.empty()) {
            const Pieces& pieces =
                ids_.size() == before ? pieces_.beginnings_ : pieces_.continuations_;
            std::string_view piece = truncate(rest, pieces_.longest_);
            auto found = pieces.end();
            while (!piece.empty() && (found = pieces.find(piece)) == pieces.end()) {
                std::size_t end = piece.size();
                previous_code_point(piece, end);
                piece = piece.substr(0, end);
            }
            if (piece.empty()) {
                ids_.resize(before);
                return ids_.push_back(pieces_.unknown_);
            }
            ids_.push_back(found->second);
            rest.remove_prefix(piece.size());
        }
    }

    const WordPiece& pieces_;
    const std::size_t most_;
    std::vector<std::int32_t> ids_;
    std::string stretch_;   // without what is left out
    bool is_plain_ = true;  // the stretch is ASCII
    std::string word_;      // its first kLongestWord code points
    std::size_t word_length_ = 0;
};

Result<WordPiece> WordPiece::open(const std::vector<std::string>& tokens, const Options& options) {
    WordPiece made;
    made.options_ = options;
    for (std::size_t i = 0; i < tokens.size(); ++i) {
        std::string_view token = tokens[i];
        const bool continues = token.starts_with("##") && token.size() > 2;
        if (continues) token.remove_prefix(2);
        made.longest_ = std::max(made.longest_, token.size());
        (continues ? made.continuations_ : made.beginnings_)
            .insert_or_assign(std::string(token), static_cast<std::int32_t>(i));
    }
    for (const std::string_view special : kSpecials) {
        if (const auto found = made.beginnings_.find(special); found != made.beginnings_.end())
            made.specials_.emplace_back(std::string(special), found->second);
    }
    const std::array<std::pair<std::string_view, std::int32_t*>, 4> needed{
        {{"[PAD]", &made.padding_},
         {"[UNK]", &made.unknown_},
         {"[CLS]", &made.start_},
         {"[SEP]", &made.end_}}};
    for (const auto& [text, id] : needed) {
        const auto found = std::ranges::find(made.specials_, text, &Special::text);
        if (found == made.specials_.end()) {
            return fail(ErrorKind::Unsupported,
                        std::format("the model's vocabulary has no {}", text));
        }
        *id = found->id;
    }
    return made;
}

std::vector<std::int32_t> WordPiece::encode(std::string_view text, std::size_t most) const {
    assert(most >= 2);
    std::vector<std::int32_t> ids = Cutter(*this, most - 2).cut(text);
    ids.insert(ids.begin(), start_);
    ids.push_back(end_);
    return ids;
}

}  // namespace titans::text
