#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace titans::mind {

/// A language model for tests: two layers of 64 numbers with random weights, whose vocabulary is
/// the 256 bytes and a few special tokens. Its answers mean nothing, but depend on every token
/// before them.
struct TinyModel {
    bool recurrent = false;  // Mamba instead of Llama: its memory cannot be cut
    int context_length = 512;
    std::string chat_template =
        "{% for m in messages %}{{ '<|im_start|>' + m.role + '\n' + m.content + '<|im_end|>\n' "
        "}}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";
    int end_token =
        2;  // which of the tokens ends an answer; it is never picked, unless it is an ordinary one
    std::uint32_t seed = 1;
};

/// The token of a byte.
constexpr int byte_token(unsigned char byte) { return 3 + byte; }
constexpr int kStartToken = 259;  // <|im_start|>
constexpr int kStopToken = 260;   // <|im_end|>

/// Writes it as GGUF. False if that fails.
bool write_tiny_model(const TinyModel& model, const std::filesystem::path& file);

}  // namespace titans::mind
