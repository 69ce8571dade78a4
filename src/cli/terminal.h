#pragma once

#include <string>
#include <string_view>

namespace titans::cli {

/// `text` without the control characters that would steer a terminal; line breaks and tabs stay.
std::string printable(std::string_view text);

}  // namespace titans::cli
