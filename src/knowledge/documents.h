#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::knowledge {

/// The text of a document, in its order.
struct Document {
    /// Each a paragraph, or what stands together in one object of a JSON file, as lines "key:
    /// value". Not empty; valid UTF-8 without control characters but line ends.
    std::vector<std::string> blocks;
};

/// Reads a knowledge_base_file: UTF-8 text or JSON of any shape, in which every string and number
/// is text. `file_name` decides by its ending (.json, .txt, .md); without one of them, what starts
/// like JSON and is valid is read as that. Errors: InvalidInput, TooLarge, both naming
/// knowledge_base_file.
Result<Document> read_document(std::string_view bytes, std::string_view file_name = {});

}  // namespace titans::knowledge
