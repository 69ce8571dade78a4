#pragma once

#include <filesystem>

namespace titans::hearing::whisper {

/// Writes a Whisper model in libwhisper's format: multilingual, one layer on each side, 128 wide,
/// random weights of a fixed seed. It knows nothing, but runs as a real one does. About 14 MB.
void write_tiny_whisper(const std::filesystem::path& path);

}  // namespace titans::hearing::whisper
