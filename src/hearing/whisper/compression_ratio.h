#pragma once

#include <string_view>

namespace titans::hearing::whisper {

/// How many times smaller zlib makes `text` (openai/whisper, utils.py, compression_ratio()): much,
/// if it repeats itself.
double compression_ratio(std::string_view text);

}  // namespace titans::hearing::whisper
