#include "text/sentence_stream.h"

#include <unicode/uchar.h>

#include "text/abbreviations.h"
#include "text/utf8.h"

namespace titans::text {

namespace {

bool ends_sentence(char32_t c) {
    if (c < 0x80) return c == '.' || c == '!' || c == '?';
    return c == U'…' || u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_S_TERM) != 0;
}

/// Punctuation of scripts that write no space behind it.
bool needs_no_space(char32_t c) {
    return c == U'。' || c == U'！' || c == U'？' || c == U'｡' || c == U'．' || c == U'，' ||
           c == U'、' || c == U'；' || c == U'：';
}

/// What may stand between a sentence's punctuation and the white space: quotes, brackets,
/// Markdown's marks.
bool closes(char32_t c) {
    if (c < 0x80)
        return c == '"' || c == '\'' || c == ')' || c == ']' || c == '}' || c == '*' || c == '_' ||
               c == '~' || c == '`';
    const int type = u_charType(static_cast<UChar32>(c));
    return type == U_END_PUNCTUATION || type == U_FINAL_PUNCTUATION || c == U'”' || c == U'’' ||
           c == U'“';
}

bool ends_clause(char32_t c) {
    switch (c) {
        case ',':
        case ';':
        case ':':
        case U'–':
        case U'—':
        case U'،':
        case U'؛':
        case U'，':
        case U'、':
        case U'；':
        case U'：':
            return true;
        default:
            return false;
    }
}

std::size_t length_of(char32_t c) {
    if (c < 0x1100) return 1;
    const UBlockCode block = ublock_getCode(static_cast<UChar32>(c));
    const bool dense = u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_IDEOGRAPHIC) ||
                       block == UBLOCK_HIRAGANA || block == UBLOCK_KATAKANA ||
                       block == UBLOCK_HANGUL_SYLLABLES;
    return dense ? 3 : 1;
}

/// The bytes of `text` that are white space at its start.
std::size_t leading_space(std::string_view text) {
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size() && is_space(next_code_point(text, at));) start = at;
    return start;
}

std::optional<char32_t> first_character(std::string_view text) {
    text.remove_prefix(leading_space(text));
    if (text.empty()) return std::nullopt;
    std::size_t at = 0;
    return next_code_point(text, at);
}

}  // namespace

std::vector<std::string> SentenceStream::push(std::string_view piece) {
    buffer_ += piece;
    return take(Rest::ToCome);
}

std::vector<std::string> SentenceStream::flush() {
    std::vector<std::string> sentences = take(Rest::None);
    first_ = true;
    return sentences;
}

std::vector<std::string> SentenceStream::take(Rest rest) {
    std::vector<std::string> sentences;
    while (true) {
        buffer_.erase(0, leading_space(buffer_));
        const std::optional<Cut> cut = find_end(rest);
        if (!cut) return sentences;
        sentences.emplace_back(trim(std::string_view(buffer_).substr(0, cut->length)));
        buffer_.erase(0, cut->length);
        first_ = false;
    }
}

std::optional<SentenceStream::Cut> SentenceStream::find_fence_end(Rest rest) const {
    const std::string_view text = buffer_;
    const std::string_view fence = text.substr(0, 3);
    for (std::size_t line = text.find('\n'); line != std::string_view::npos;
         line = text.find('\n', line + 1)) {
        const std::string_view next =
            trim(text.substr(line + 1, text.find('\n', line + 1) - line - 1));
        if (!next.starts_with(fence)) continue;
        const std::size_t end = text.find('\n', line + 1);
        if (end != std::string_view::npos) return Cut{end};
        break;  // the closing line may still grow
    }
    if (rest == Rest::None) return Cut{text.size()};
    return std::nullopt;
}

/// Where the sentence at the start of the buffer ends. Decides character by character, and only on
/// what cannot change any more, so that the pieces make no difference.
std::optional<SentenceStream::Cut> SentenceStream::find_end(Rest rest) const {
    std::string_view text = buffer_;
    if (rest == Rest::ToCome) text.remove_suffix(incomplete_bytes(text));
    if (text.empty()) return std::nullopt;
    if (text.starts_with("```") || text.starts_with("~~~")) return find_fence_end(rest);
    if (rest == Rest::ToCome && (text == "`" || text == "``" || text == "~" || text == "~~"))
        return std::nullopt;

    std::size_t length = 0;
    std::size_t last_space = 0;
    const std::size_t clause = first_ ? options_.first_clause : options_.clause;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t before = at;
        const char32_t c = next_code_point(text, at);
        if (c == '\n' || c == '\r') return Cut{before};
        if (is_space(c)) last_space = before;
        length += length_of(c);
        if (length > options_.longest) return Cut{last_space > 0 ? last_space : before};

        const bool clause_end = length >= clause && ends_clause(c);
        if (!ends_sentence(c) && !clause_end) continue;
        char32_t last = c;  // of the punctuation, closing marks left out
        std::size_t stops = 1;
        std::size_t end = at;
        while (end < text.size()) {
            std::size_t behind = end;
            const char32_t mark = next_code_point(text, behind);
            if (ends_sentence(mark)) {
                last = mark;
                ++stops;
            } else if (!closes(mark)) {
                break;
            }
            end = behind;
        }
        if (end == text.size()) {
            // More marks or the white space may follow in the next piece.
            return rest == Rest::None ? std::optional(Cut{end}) : std::nullopt;
        }
        std::size_t behind = end;
        const bool space = is_space(next_code_point(text, behind));
        if (space || needs_no_space(last)) {
            if (c != '.' || stops > 1 || needs_no_space(last)) return Cut{end};
            const std::string_view gap = text.substr(end);
            const bool line_end =
                gap.substr(0, leading_space(gap)).find_first_of("\r\n") != std::string_view::npos;
            if (line_end) return Cut{end};
            switch (judge_full_stop(text.substr(0, at), first_character(gap))) {
                case FullStop::EndsSentence:
                    return Cut{end};
                case FullStop::Abbreviates:
                    break;
                case FullStop::NeedsNextCharacter:
                    return rest == Rest::None ? std::optional(Cut{end}) : std::nullopt;
            }
        }
        at = end;
    }
    if (rest == Rest::None) return Cut{text.size()};
    return std::nullopt;
}

}  // namespace titans::text
