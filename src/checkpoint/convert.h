#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>

#include "foundation/error.h"

namespace titans::checkpoint {

enum class Conversion : std::uint8_t {
    /// Whisper to GGUF for our own network, from each form it is published in: see
    /// convert_whisper().
    Whisper,
    /// Wav2Vec2 or HuBERT with a CTC head to GGUF for our own network: see convert_ctc().
    Ctc,
    /// F5-TTS to GGUF for our own network, F5TTS_v1_Base and F5TTS_Base: see convert_f5tts().
    F5tts,
    F5ttsBase,
    /// Vocos to GGUF for our own network: see convert_vocos().
    Vocos,
    /// A BERT sentence encoder to GGUF for our own network: see convert_bert().
    Bert,
    /// A GGUF file of a type without fast kernels for prompts (Q4_1, Q5_0, Q5_1), to GGUF of type
    /// Q8_0.
    Requantize,
    /// The weights of an ONNX file, to GGUF as F32, with the same names and shapes.
    Onnx,
};

/// Of "whisper", "wav2vec2" or "hubert" (Ctc), "f5tts", "f5tts-base", "vocos", "bert",
/// "requantize", "onnx".
std::optional<Conversion> find_conversion(std::string_view word);

/// Converts the model in `input`, a folder or file as Conversion says, to the file `output`, which
/// appears whole or not at all. Run it in a child, after enter_sandbox(): it reads foreign files.
/// Errors: NotFound or InvalidInput, naming the input's file; Unsupported; Internal.
Result<void> convert(Conversion conversion, const std::filesystem::path& input,
                     const std::filesystem::path& output);

}  // namespace titans::checkpoint
