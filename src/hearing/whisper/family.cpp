#include "hearing/whisper/family.h"

#include <array>
#include <fstream>

#include "hearing/whisper/recognizer.h"

namespace titans::hearing::whisper {
namespace {

/// Whether it is in the format of whisper.cpp's ggml-*.bin.
bool is_of_whisper_cpp(const std::filesystem::path& path) {
    std::array<char, 4> magic{};
    std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
    return std::string_view(magic.data(), magic.size()) == "lmgg";
}

}  // namespace

Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model,
                                               const engine::Compute& compute) {
    if (is_of_whisper_cpp(model)) {
        return fail(
            ErrorKind::Unsupported,
            "whisper: the model file is one of whisper.cpp's, which are not read: get the "
            "model with POST /download-model or `titans models fetch whisper-base`, or make "
            "it of OpenAI's files with `titans convert whisper`");
    }
    return Recognizer::load(model, compute, {});
}

}  // namespace titans::hearing::whisper
