#pragma once

#include <string>
#include <string_view>

namespace titans::text {

/// `name` as it may stand in a URL: Latin letters for those of any script, then [a-z0-9] in groups
/// joined by '-', at most 60 bytes. Empty if nothing of `name` can be written so.
std::string slug(std::string_view name);

}  // namespace titans::text
