#pragma once

#include <filesystem>
#include <functional>
#include <string>

struct gguf_context;

namespace titans::voice::f5tts {

struct TinyModel {
    /// Changes the facts before they are written.
    std::function<void(gguf_context*)> change = {};
    std::string lacks = {};  // a tensor
};

/// Writes a converted F5-TTS: two blocks 32 wide, a vocabulary of the space, small letters, full
/// stop and comma, random weights of a fixed seed. It says nothing, but runs as a real one does.
void write_tiny_f5tts(const std::filesystem::path& path, const TinyModel& model = {});

/// Writes a converted Vocos: one block 16 wide.
void write_tiny_vocos(const std::filesystem::path& path, const TinyModel& model = {});

}  // namespace titans::voice::f5tts
