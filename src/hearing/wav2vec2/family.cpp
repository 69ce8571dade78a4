#include "hearing/wav2vec2/family.h"

#include "hearing/ctc/ctc_recognizer.h"

namespace titans::hearing::wav2vec2 {

Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model,
                                               const engine::Compute& compute) {
    return ctc::CtcRecognizer::load(model, "wav2vec2", compute, {});
}

}  // namespace titans::hearing::wav2vec2
