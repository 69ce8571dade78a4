#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "hearing/whisper/vocabulary.h"

struct gguf_context;

namespace titans::hearing::whisper {

struct TinyModel {
    /// Changes the facts before they are written.
    std::function<void(gguf_context*)> change = {};
    std::string lacks = {};  // a tensor
};

constexpr int kTinyPositions = 50;  // one second
constexpr int kTinyTokens = 40;     // of the decoder, at most

/// Its vocabulary: the 256 bytes, some merges, and what steers, with English and Arabic.
std::vector<std::string> tiny_vocabulary();

Vocabulary load_tiny_vocabulary();

/// Writes a converted model of windows of a second: two layers on each side, 16 wide, random
/// weights of a fixed seed. It knows nothing, but runs as a real one does.
void write_tiny_model(const std::filesystem::path& path, const TinyModel& model = {});

}  // namespace titans::hearing::whisper
