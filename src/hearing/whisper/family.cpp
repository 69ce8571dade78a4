#include "hearing/whisper/family.h"

#include <array>
#include <fstream>

#include "hearing/whisper/recognizer.h"
#include "hearing/whisper/whisper_recognizer.h"

namespace titans::hearing::whisper {
namespace {

bool is_gguf(const std::filesystem::path& path) {
    std::array<char, 4> magic{};
    std::ifstream(path, std::ios::binary).read(magic.data(), magic.size());
    return std::string_view(magic.data(), magic.size()) == "GGUF";
}

}  // namespace

Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model,
                                               const engine::Compute& compute) {
    if (is_gguf(model)) return Recognizer::load(model, compute, {});
    return WhisperRecognizer::load(model, {.threads = compute.device->threads()});
}

}  // namespace titans::hearing::whisper
