#include "character/turn.h"

#include <algorithm>
#include <format>

#include "text/utf8.h"

namespace titans::character {
namespace {

constexpr std::size_t kLongestQuestion = 8000;  // characters
constexpr std::size_t kLongestSession = 64;

/// UTF-8 of at most `longest` characters, without control characters but line ends and tabs.
bool is_plain(std::string_view text, std::size_t longest) {
    return text::is_utf8(text) && text::count_code_points(text) <= longest &&
           std::ranges::none_of(text, [](unsigned char c) {
               return (c < 0x20 && c != '\n' && c != '\r' && c != '\t') || c == 0x7f;
           });
}

}  // namespace

Result<void> check_question(std::string_view text) {
    if (is_plain(text, kLongestQuestion) && !text::trim(text).empty()) return {};
    return fail(ErrorKind::InvalidInput,
                std::format("question: must be text of 1 to {} characters", kLongestQuestion));
}

Result<void> check_session(std::string_view session) {
    if (is_plain(session, kLongestSession)) return {};
    return fail(ErrorKind::InvalidInput,
                std::format("session_id: must be text of at most {} characters", kLongestSession));
}

}  // namespace titans::character
