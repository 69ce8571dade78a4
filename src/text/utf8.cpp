#include "text/utf8.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cassert>

namespace titans::text {

namespace {

constexpr char32_t kReplacement = 0xFFFD;

}  // namespace

char32_t next_code_point(std::string_view text, std::size_t& position) {
    assert(position < text.size());
    const auto first = static_cast<unsigned char>(text[position]);
    if (first < 0x80) {
        ++position;
        return first;
    }
    // ICU's macros count in int32_t; no code point needs more than the next four bytes.
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data() + position);
    const auto length = static_cast<std::int32_t>(std::min<std::size_t>(text.size() - position, 4));
    std::int32_t offset = 0;
    UChar32 code_point = 0;
    U8_NEXT(bytes, offset, length, code_point);
    position += static_cast<std::size_t>(offset);
    return code_point < 0 ? kReplacement : static_cast<char32_t>(code_point);
}

char32_t previous_code_point(std::string_view text, std::size_t& position) {
    assert(position > 0 && position <= text.size());
    const std::size_t start = position - std::min<std::size_t>(position, 4);
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(text.data() + start);
    auto offset = static_cast<std::int32_t>(position - start);
    UChar32 code_point = 0;
    U8_PREV(bytes, 0, offset, code_point);
    position = start + static_cast<std::size_t>(offset);
    return code_point < 0 ? kReplacement : static_cast<char32_t>(code_point);
}

bool is_utf8(std::string_view bytes) {
    std::size_t position = 0;
    while (position < bytes.size()) {
        const std::size_t before = position;
        // A U+FFFD that stands in the text has three bytes of its own.
        if (next_code_point(bytes, position) == kReplacement &&
            bytes.substr(before, position - before) != "\xEF\xBF\xBD") {
            return false;
        }
    }
    return true;
}

std::string to_utf8(std::string_view bytes) {
    std::string text;
    text.reserve(bytes.size());
    for (std::size_t position = 0; position < bytes.size();) {
        append(text, next_code_point(bytes, position));
    }
    return text;
}

std::string_view without_bom(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    return text;
}

std::string_view truncate(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    std::size_t end = bytes;
    // At most three continuation bytes belong to one code point; more are malformed and cut
    // anywhere.
    for (int i = 0; i < 3 && end > 0 && U8_IS_TRAIL(static_cast<std::uint8_t>(text[end])); ++i)
        --end;
    return text.substr(0, end);
}

std::size_t count_code_points(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return !U8_IS_TRAIL(static_cast<std::uint8_t>(c)); }));
}

std::size_t incomplete_bytes(std::string_view text) {
    const std::size_t most = std::min<std::size_t>(text.size(), 3);
    for (std::size_t back = 1; back <= most; ++back) {
        const auto byte = static_cast<std::uint8_t>(text[text.size() - back]);
        if (U8_IS_TRAIL(byte)) continue;
        if (!U8_IS_LEAD(byte)) return 0;
        return static_cast<std::size_t>(U8_COUNT_TRAIL_BYTES(byte)) >= back ? back : 0;
    }
    return 0;
}

void append(std::string& text, char32_t code_point) {
    if (code_point > 0x10FFFF || U_IS_SURROGATE(code_point)) code_point = kReplacement;
    std::uint8_t bytes[U8_MAX_LENGTH];
    std::int32_t length = 0;
    U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(code_point));
    text.append(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(length));
}

bool is_space(char32_t code_point) {
    if (code_point < 0x80) {
        return code_point == ' ' || (code_point >= '\t' && code_point <= '\r');
    }
    return u_isUWhiteSpace(static_cast<UChar32>(code_point)) != 0;
}

std::string_view trim(std::string_view text) {
    std::size_t start = 0;
    for (std::size_t at = 0; at < text.size() && is_space(next_code_point(text, at));) start = at;
    std::size_t end = text.size();
    for (std::size_t at = end; at > start && is_space(previous_code_point(text, at));) end = at;
    return text.substr(start, end - start);
}

}  // namespace titans::text
