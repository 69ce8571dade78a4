#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace titans::text {

enum class FullStop : std::uint8_t { EndsSentence, Abbreviates, NeedsNextCharacter };

/// What the full stop means that `before` ends with: "Dr." abbreviates, "etc." does so if the text
/// goes on in lower case, "No." if a digit follows, "1." at the start numbers a list. `before`
/// starts where the sentence does; `next` is the first character behind the white space that
/// follows, if it is known already.
FullStop judge_full_stop(std::string_view before, std::optional<char32_t> next);

}  // namespace titans::text
