#include "text/pauses.h"

#include <algorithm>
#include <array>
#include <utility>

namespace titans::text {
namespace {

using namespace std::string_view_literals;

constexpr Milliseconds kSentence{300};
constexpr Milliseconds kThought{400};
constexpr Milliseconds kClause{140};
constexpr Milliseconds kCut{60};

constexpr std::array kPauses{
    std::pair{"..."sv, kThought}, std::pair{"…"sv, kThought},   std::pair{"."sv, kSentence},
    std::pair{"!"sv, kSentence},  std::pair{"?"sv, kSentence},  std::pair{"。"sv, kSentence},
    std::pair{"！"sv, kSentence}, std::pair{"？"sv, kSentence}, std::pair{"؟"sv, kSentence},
    std::pair{"।"sv, kSentence},  std::pair{":"sv, kClause},    std::pair{";"sv, kClause},
    std::pair{","sv, kClause},    std::pair{"，"sv, kClause},   std::pair{"、"sv, kClause},
    std::pair{"；"sv, kClause},   std::pair{"："sv, kClause},   std::pair{"،"sv, kClause},
    std::pair{"–"sv, kClause},    std::pair{"—"sv, kClause}};

// What closes a quotation stands behind the punctuation, and is not heard.
constexpr std::array kClosing{"\""sv, "'"sv, ")"sv, "]"sv, "”"sv, "’"sv, "»"sv, "」"sv, " "sv};

}  // namespace

Milliseconds pause_behind(std::string_view text) {
    const auto ends = [&text](std::string_view end) { return text.ends_with(end); };
    for (auto close = std::ranges::find_if(kClosing, ends); close != kClosing.end();
         close = std::ranges::find_if(kClosing, ends)) {
        text.remove_suffix(close->size());
    }
    const auto found =
        std::ranges::find_if(kPauses, ends, [](const auto& pause) { return pause.first; });
    return found == kPauses.end() ? kCut : found->second;
}

}  // namespace titans::text
