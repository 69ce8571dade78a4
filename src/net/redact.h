#pragma once

#include <string>
#include <string_view>

#include "foundation/secret.h"

namespace titans::net {

/// `text` with *** in place of each piece of `secret` that has 8 or more characters (of all of it,
/// if it is shorter), be it written plainly or with JSON's or a url's escapes.
std::string redact(std::string_view text, const Secret& secret);

}  // namespace titans::net
