#include "hearing/whisper/spoken_text.h"

#include "text/utf8.h"

namespace titans::hearing::whisper {
namespace {

/// Where the caption that begins at `at` ends, or `at` if none begins there.
std::size_t caption_end(std::string_view text, std::size_t at) {
    char closer = 0;
    switch (text[at]) {
        case '[':
            closer = ']';
            break;
        case '(':
            closer = ')';
            break;
        case '*':
            closer = '*';
            break;
        default:
            return at;
    }
    const std::size_t end = text.find(closer, at + 1);
    return end == std::string_view::npos ? at : end + 1;
}

bool is_note(char32_t code_point) { return code_point >= 0x2669 && code_point <= 0x266C; }

}  // namespace

std::string spoken_text(std::string_view written) {
    const std::string valid = text::to_utf8(written);
    std::string spoken;
    bool said_something = false;
    for (std::size_t at = 0; at < valid.size();) {
        if (const std::size_t end = caption_end(valid, at); end != at) {
            at = end;
            continue;
        }
        const char32_t code_point = text::next_code_point(valid, at);
        if (is_note(code_point)) continue;
        // A caption leaves the spaces on both of its sides.
        const bool space = text::is_space(code_point);
        if (space && (spoken.empty() || spoken.back() == ' ')) continue;
        text::append(spoken, space ? U' ' : code_point);
        const bool mark = code_point < 0x80 && std::ispunct(static_cast<int>(code_point)) != 0;
        said_something = said_something || (!space && !mark);
    }
    return said_something ? std::string(text::trim(spoken)) : std::string();
}

}  // namespace titans::hearing::whisper
