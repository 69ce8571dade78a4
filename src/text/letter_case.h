#pragma once

#include <string>
#include <string_view>

namespace titans::text {

/// `text`, UTF-8, in lower-case letters, as `language` (ISO 639-1, or empty) has them: "I" is "ı"
/// in Turkish.
std::string lower_case(std::string_view text, const std::string& language = "");

/// `text` with its first character as it begins a sentence.
std::string capitalized(std::string_view text, const std::string& language = "");

bool has_lower_case(std::string_view text);

}  // namespace titans::text
