#pragma once

#include <string_view>

#include "foundation/units.h"

namespace titans::text {

/// How long a speaker pauses behind `text`, by what it ends in: longest behind a sentence, shorter
/// behind a clause, hardly where it was only cut.
Milliseconds pause_behind(std::string_view text);

}  // namespace titans::text
