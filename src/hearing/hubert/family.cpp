#include "hearing/hubert/family.h"

#include "hearing/ctc/ctc_recognizer.h"

namespace titans::hearing::hubert {

Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model,
                                               const engine::Compute& compute) {
    return ctc::CtcRecognizer::load(model, "hubert", compute, {});
}

}  // namespace titans::hearing::hubert
