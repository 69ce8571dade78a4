#include "text/speakable.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "text/utf8.h"

namespace titans::text {

namespace {

constexpr std::size_t kLongestTag = 300;  // bytes: "a < b" followed by a far ">" is no tag
constexpr std::size_t kLongestLink = 2000;

bool is_letter_or_digit(char32_t c) { return u_isalnum(static_cast<UChar32>(c)) != 0; }
bool is_ascii_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_ascii_digit(char c) { return c >= '0' && c <= '9'; }

bool has_property(char32_t c, UProperty property) {
    return u_hasBinaryProperty(static_cast<UChar32>(c), property) != 0;
}

bool is_emoji(char32_t c) {
    if (c < 0x2190) return false;  // digits, ©, ®, ‼ and ™ can be emojis too, and are text
    return has_property(c, UCHAR_EXTENDED_PICTOGRAPHIC) ||
           has_property(c, UCHAR_EMOJI_PRESENTATION) || has_property(c, UCHAR_EMOJI_MODIFIER) ||
           has_property(c, UCHAR_REGIONAL_INDICATOR);
}

/// What belongs to an emoji and is nothing without it.
bool joins_emoji(char32_t c) { return c == 0x200D || (c >= 0xE0020 && c <= 0xE007F); }

bool is_silent(char32_t c) {
    if (c == 0xFE0F || c == 0xFE0E || c == 0x20E3 || c == 0xFEFF || c == 0xFFFD) return true;
    const int type = u_charType(static_cast<UChar32>(c));
    return type == U_CONTROL_CHAR || type == U_PRIVATE_USE_CHAR || type == U_UNASSIGNED;
}

bool ends_phrase(char32_t c) {
    if (has_property(c, UCHAR_S_TERM)) return true;
    return c == U'…' || c == ',' || c == ';' || c == ':' || c == U'،' || c == U'؛' || c == U'，' ||
           c == U'、' || c == U'；' || c == U'：';
}

/// The lines of `text` outside fenced blocks of code.
std::vector<std::string_view> lines_outside_code(std::string_view text) {
    std::vector<std::string_view> lines;
    std::string_view fence;
    for (std::size_t start = 0; start <= text.size();) {
        std::size_t end = text.find('\n', start);
        if (end == std::string_view::npos) end = text.size();
        const std::string_view line = trim(text.substr(start, end - start));
        start = end + 1;
        const bool marks = line.starts_with("```") || line.starts_with("~~~");
        if (!fence.empty()) {
            if (marks && line.starts_with(fence)) fence = {};
        } else if (marks && line.find("```", 3) == std::string_view::npos) {
            fence = line.substr(0, 3);
        } else if (!line.empty()) {
            lines.push_back(line);
        }
    }
    return lines;
}

/// A rule, or the line below a table's or section's heading.
bool is_rule(std::string_view line) {
    return line.find_first_not_of("-*_=|:+ \t") == std::string_view::npos;
}

/// `line` without the marks of headings, quotations and lists at its start.
std::string_view without_block_marks(std::string_view line) {
    while (line.starts_with('>')) line = trim(line.substr(1));
    if (const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
        level >= 1 && level <= 6 && (level == line.size() || line[level] == ' ')) {
        line = trim(line.substr(level));
        while (line.ends_with('#')) line.remove_suffix(1);
        return trim(line);
    }
    for (const std::string_view bullet : {"- ", "* ", "+ ", "• ", "– ", "◦ ", "▪ ", "· "}) {
        if (line.starts_with(bullet)) {
            line = trim(line.substr(bullet.size()));
            break;
        }
    }
    for (const std::string_view box : {"[ ] ", "[x] ", "[X] "}) {
        if (line.starts_with(box)) return trim(line.substr(box.size()));
    }
    return line;
}

/// "https://www.example.com/x?y" -> "example com".
std::string host_words(std::string_view url) {
    if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos)
        url.remove_prefix(scheme + 3);
    if (url.starts_with("mailto:")) url.remove_prefix(7);
    std::string_view host = url.substr(0, url.find_first_of("/?#"));
    if (const std::size_t user = host.rfind('@'); user != std::string_view::npos)
        host.remove_prefix(user + 1);
    host = host.substr(0, host.find(':'));
    if (host.starts_with("www.")) host.remove_prefix(4);
    std::string words(host);
    std::ranges::replace_if(words, [](char c) { return c == '.' || c == '-' || c == '_'; }, ' ');
    return words;
}

/// How many bytes of a URL start `text`; 0 if none does.
std::size_t url_length(std::string_view text) {
    bool url = false;
    for (const std::string_view start : {"https://", "http://", "ftp://", "www."}) {
        if (text.size() > start.size() &&
            std::ranges::equal(text.substr(0, start.size()), start, [](char a, char b) {
                return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b;
            })) {
            url = true;
        }
    }
    if (!url) return 0;
    std::size_t end = 0;
    for (std::size_t at = 0; at < text.size(); end = at) {
        const char32_t c = next_code_point(text, at);
        if (is_space(c) || c == '<' || c == '>' || c == '"' || c == '`' || c == '|' ||
            (c > 0x7F && !is_letter_or_digit(c)))
            break;
    }
    // The sentence's punctuation behind it, and the bracket around it, are not the URL's.
    while (end > 0) {
        const char last = text[end - 1];
        const bool unopened =
            last == ')' && text.substr(0, end).find('(') == std::string_view::npos;
        if (!unopened && std::string_view(".,;:!?'*_~]}").find(last) == std::string_view::npos)
            break;
        --end;
    }
    return end;
}

/// [label](target): its label and its length in bytes. `text` starts with '['.
std::optional<std::pair<std::string_view, std::size_t>> find_link(std::string_view text) {
    text = text.substr(0, kLongestLink);
    int depth = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '[') ++depth;
        if (text[i] != ']' || --depth > 0) continue;
        const std::string_view label = text.substr(1, i - 1);
        if (i + 1 < text.size() && (text[i + 1] == '(' || text[i + 1] == '[')) {
            const char open = text[i + 1];
            const char close = open == '(' ? ')' : ']';
            int nested = 0;
            for (std::size_t j = i + 1; j < text.size(); ++j) {
                if (text[j] == open) ++nested;
                if (text[j] == close && --nested == 0) return std::pair{label, j + 1};
            }
        }
        return std::nullopt;
    }
    return std::nullopt;
}

/// <tag ...>, </tag>, <!-- ... -->: its length in bytes, or 0. `text` starts with '<'.
std::size_t tag_length(std::string_view text) {
    if (text.size() < 3) return 0;
    if (text.starts_with("<!--")) {
        const std::size_t end = text.find("-->", 4);
        return end == std::string_view::npos ? text.size() : end + 3;
    }
    if (!is_ascii_letter(text[1]) && text[1] != '/' && text[1] != '!') return 0;
    const std::size_t end = text.substr(0, kLongestTag).find('>');
    return end == std::string_view::npos ? 0 : end + 1;
}

struct Entity {
    std::string_view name;
    std::string_view text;
};
constexpr std::array kEntities{Entity{"&amp;", "&"},   Entity{"&lt;", "<"},  Entity{"&gt;", ">"},
                               Entity{"&quot;", "\""}, Entity{"&#39;", "'"}, Entity{"&apos;", "'"},
                               Entity{"&nbsp;", " "}};

char32_t before(const std::string& text) {
    if (text.empty()) return ' ';
    std::size_t at = text.size();
    return previous_code_point(text, at);
}

char32_t at_or_space(std::string_view text, std::size_t position) {
    return position < text.size() ? next_code_point(text, position) : U' ';
}

/// Appends `line` without inline marks to `out`.
void clean_inline(std::string_view line, std::string& out) {
    bool emoji = false;  // the last character was one
    for (std::size_t at = 0; at < line.size();) {
        const std::string_view rest = line.substr(at);
        const char first = rest.front();
        if (first == '!' && rest.size() > 1 && rest[1] == '[') {
            if (const auto link = find_link(rest.substr(1))) {
                clean_inline(link->first, out);
                at += 1 + link->second;
                continue;
            }
        }
        if (first == '[') {
            if (const auto link = find_link(rest)) {
                clean_inline(link->first, out);
                at += link->second;
                continue;
            }
        }
        if (first == '<') {
            if (const std::size_t url = url_length(rest.substr(1));
                url > 0 && rest.substr(1 + url).starts_with('>')) {
                out += host_words(rest.substr(1, url));
                at += url + 2;
                continue;
            }
            if (const std::size_t length = tag_length(rest); length > 0) {
                if (!is_space(before(out)) && rest.substr(0, 3) == "<br") out += ", ";
                at += length;
                continue;
            }
        }
        if (first == '&') {
            const auto* const entity = std::ranges::find_if(
                kEntities, [&](const Entity& e) { return rest.starts_with(e.name); });
            if (entity != kEntities.end()) {
                out += entity->text;
                at += entity->name.size();
                continue;
            }
        }
        if (!is_letter_or_digit(before(out))) {
            if (const std::size_t url = url_length(rest); url > 0) {
                out += host_words(rest.substr(0, url));
                at += url;
                continue;
            }
        }
        if (first == '\\' && rest.size() > 1 && u_ispunct(static_cast<unsigned char>(rest[1]))) {
            out += rest[1];
            at += 2;
            continue;
        }
        if (first == '|') {
            // Between a table's cells.
            out.resize(out.find_last_not_of(' ') + 1);
            const bool between =
                !out.empty() && !ends_phrase(before(out)) && !trim(rest.substr(1)).empty();
            out += between ? ", " : " ";
            ++at;
            continue;
        }
        if (first == '*' || first == '_' || first == '`' || first == '~') {
            const std::size_t count = std::min(rest.find_first_not_of(first), rest.size());
            const char32_t behind = at_or_space(line, at + count);
            const bool alone = is_space(before(out)) && is_space(behind);
            const bool inside = is_letter_or_digit(before(out)) && is_letter_or_digit(behind);
            if (first == '_' && inside) {
                out += ' ';  // snake_case
            } else if ((first == '*' &&
                        (alone || (inside && is_ascii_digit(static_cast<char>(before(out)))))) ||
                       (first == '~' && count == 1)) {
                out.append(count, first);  // "3 * 4", "~5"
            }
            at += count;
            continue;
        }
        const char32_t c = next_code_point(line, at);
        if (is_emoji(c) || (emoji && joins_emoji(c))) {
            if (!is_space(before(out))) out += ' ';
            emoji = true;
        } else if (c == 0xFE0F || (emoji && is_silent(c))) {
            continue;
        } else {
            emoji = false;
            if (is_space(c)) {
                out += ' ';
            } else if (!is_silent(c)) {
                append(out, c);
            }
        }
    }
}

bool repeats(char32_t c) {
    return c == '!' || c == '?' || c == ',' || c == ';' || c == ':' || c == '-' || c == U'！' ||
           c == U'？' || c == U'。' || c == U'…' || c == U'—' || c == U'؟' || c == U'=' ||
           c == '#' || c == '/';
}

/// Single spaces, none before punctuation, and each run of punctuation once: "?!?!" -> "?", "....."
/// -> "...".
std::string tidy(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        char32_t c = next_code_point(text, at);
        if (is_space(c)) {
            while (at < text.size()) {
                std::size_t behind = at;
                if (!is_space(next_code_point(text, behind))) break;
                at = behind;
            }
            const char32_t next = at_or_space(text, at);
            // "wow 🎉!" has lost what stood between; " - " and " .5" keep their space.
            const bool closing = next == ',' || next == '!' || next == '?' || next == ';' ||
                                 next == ':' ||
                                 (next == '.' && is_space(at_or_space(text, at + 1)));
            if (!out.empty() && !closing) out += ' ';
            continue;
        }
        if (c == '.') {
            std::size_t stops = 1;
            while (at < text.size() && text[at] == '.') {
                ++at;
                ++stops;
            }
            out += stops == 1 ? "." : "...";
            continue;
        }
        const bool asks = c == '?' || c == '!';
        bool question = c == '?';
        if (repeats(c)) {
            while (at < text.size()) {
                std::size_t behind = at;
                const char32_t same = next_code_point(text, behind);
                if (same != c && !(asks && (same == '?' || same == '!'))) break;
                // "//" and the like inside words stay rare; digits keep "5--3" apart from signs.
                question = question || same == '?';
                at = behind;
            }
            if (asks && question) c = '?';
        }
        append(out, c);
    }
    return std::string(trim(out));
}

bool has_something_to_say(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
        const char32_t c = next_code_point(text, at);
        if (is_letter_or_digit(c)) return true;
        const int type = u_charType(static_cast<UChar32>(c));
        if (type == U_CURRENCY_SYMBOL || type == U_MATH_SYMBOL || c == '%' || c == '&') return true;
    }
    return false;
}

}  // namespace

std::string speakable(std::string_view text) {
    const std::string valid = to_utf8(text);
    const std::vector<std::string_view> lines = lines_outside_code(valid);
    std::string out;
    for (const std::string_view line : lines) {
        if (is_rule(line)) continue;
        std::string clean;
        clean_inline(without_block_marks(line), clean);
        clean = tidy(clean);
        if (!has_something_to_say(clean)) continue;
        if (!out.empty()) {
            std::size_t end = out.size();
            char32_t last = previous_code_point(out, end);
            while (end > 0 && (last == '"' || last == ')' || last == '\'' || last == U'”' ||
                               last == U'»' || last == U'」')) {
                last = previous_code_point(out, end);
            }
            out += ends_phrase(last) ? " " : ". ";
        }
        out += clean;
    }
    return out;
}

}  // namespace titans::text
