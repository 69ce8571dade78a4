#include "net/redact.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <set>
#include <vector>

namespace titans::net {
namespace {

constexpr std::size_t kShortestPiece = 8;

/// The characters that a text spells, and where each begins in it; one more for its end.
struct Spelling {
    std::string characters;
    std::vector<std::size_t> begins;

    void add(char character, std::size_t begin) {
        characters += character;
        begins.push_back(begin);
    }
};

Spelling read_plainly(std::string_view text) {
    Spelling spelling;
    for (std::size_t i = 0; i < text.size(); ++i) spelling.add(text[i], i);
    spelling.begins.push_back(text.size());
    return spelling;
}

/// The value of the hexadecimal `digits`; -1 if they are none, or not a character of ASCII.
int ascii_of(std::string_view digits) {
    int value = -1;
    const char* const end = digits.data() + digits.size();
    const auto read = std::from_chars(digits.data(), end, value, 16);
    return read.ec == std::errc() && read.ptr == end && value < 0x80 ? value : -1;
}

/// With \/ \" \\ and \u002f read as the characters that they stand for.
Spelling read_json(std::string_view text) {
    Spelling spelling;
    for (std::size_t i = 0; i < text.size();) {
        const std::string_view rest = text.substr(i);
        const int code =
            rest.starts_with("\\u") && rest.size() >= 6 ? ascii_of(rest.substr(2, 4)) : -1;
        const bool is_pair = rest.size() >= 2 && rest[0] == '\\' &&
                             (rest[1] == '/' || rest[1] == '"' || rest[1] == '\\');
        spelling.add(code >= 0 ? static_cast<char>(code) : rest[is_pair ? 1 : 0], i);
        i += code >= 0 ? 6 : is_pair ? 2 : 1;
    }
    spelling.begins.push_back(text.size());
    return spelling;
}

/// With %2f read as the character that it stands for.
Spelling read_url(std::string_view text) {
    Spelling spelling;
    for (std::size_t i = 0; i < text.size();) {
        const int code =
            text[i] == '%' && i + 2 < text.size() ? ascii_of(text.substr(i + 1, 2)) : -1;
        spelling.add(code >= 0 ? static_cast<char>(code) : text[i], i);
        i += code >= 0 ? 3 : 1;
    }
    spelling.begins.push_back(text.size());
    return spelling;
}

}  // namespace

std::string redact(std::string_view text, const Secret& secret) {
    const std::string_view key = secret.reveal();
    if (key.empty()) return std::string(text);
    const std::size_t length = std::min(kShortestPiece, key.size());
    std::set<std::string_view> pieces;
    for (std::size_t i = 0; i + length <= key.size(); ++i) pieces.insert(key.substr(i, length));

    std::vector<bool> hidden(text.size());
    for (const Spelling& spelling : {read_plainly(text), read_json(text), read_url(text)}) {
        const std::string_view characters = spelling.characters;
        for (std::size_t i = 0; i + length <= characters.size(); ++i) {
            if (!pieces.contains(characters.substr(i, length))) continue;
            std::fill(hidden.begin() + static_cast<std::ptrdiff_t>(spelling.begins[i]),
                      hidden.begin() + static_cast<std::ptrdiff_t>(spelling.begins[i + length]),
                      true);
        }
    }
    std::string redacted;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (!hidden[i])
            redacted += text[i];
        else if (i == 0 || !hidden[i - 1])
            redacted += "***";
    }
    return redacted;
}

}  // namespace titans::net
