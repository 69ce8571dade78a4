#include "text/letter_case.h"

#include <unicode/locid.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>

#include "text/utf8.h"

namespace titans::text {
namespace {

std::string to_string(const icu::UnicodeString& text) {
    std::string bytes;
    return text.toUTF8String(bytes);
}

}  // namespace

std::string lower_case(std::string_view text, const std::string& language) {
    return to_string(icu::UnicodeString::fromUTF8(text).toLower(icu::Locale(language.c_str())));
}

std::string capitalized(std::string_view text, const std::string& language) {
    if (text.empty()) return {};
    std::size_t end = 0;
    next_code_point(text, end);
    return to_string(icu::UnicodeString::fromUTF8(text.substr(0, end))
                         .toTitle(nullptr, icu::Locale(language.c_str()))) +
           std::string(text.substr(end));
}

bool has_lower_case(std::string_view text) {
    for (std::size_t position = 0; position < text.size();) {
        if (u_islower(static_cast<UChar32>(next_code_point(text, position))) != 0) return true;
    }
    return false;
}

}  // namespace titans::text
