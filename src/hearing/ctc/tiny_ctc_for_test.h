#pragma once

#include <filesystem>
#include <functional>
#include <string>

struct gguf_context;

namespace titans::hearing::ctc {

struct TinyCtc {
    std::string architecture = "wav2vec2";
    bool normalizes_each_conv = false;
    bool normalizes_first = false;
    bool attends = true;  // else a frame depends only on what is near
    /// Changes the facts before they are written.
    std::function<void(gguf_context*)> change = {};
    std::string lacks = {};  // a tensor
};

constexpr int kTinyStride = 20;  // samples
constexpr int kTinyField = 35;

/// Writes a converted model: two convolutions, two blocks 16 wide, the letters of English in
/// capitals, random weights of a fixed seed. It knows nothing, but runs as a real one does.
void write_tiny_ctc(const std::filesystem::path& path, const TinyCtc& model = {});

}  // namespace titans::hearing::ctc
