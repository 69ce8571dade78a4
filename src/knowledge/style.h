#pragma once

#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "store/character_store.h"

namespace titans::knowledge {

/// Reads a style_tuning_file: a JSON array of {"question": TEXT, "response": TEXT}, at most 1,000
/// of them and 8,000 bytes each. Errors: InvalidInput naming the entry and its field
/// ("style_tuning_file[3].response: is missing").
Result<std::vector<store::StyleExample>> read_style(std::string_view bytes);

}  // namespace titans::knowledge
