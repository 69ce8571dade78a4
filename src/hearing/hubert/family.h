#pragma once

#include "hearing/families.h"

namespace titans::hearing::hubert {

/// HuBERT with a CTC head (arXiv:2106.07447): see ctc::CtcRecognizer.
Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model,
                                               const engine::Compute& compute);

inline constexpr RecognizerFamily kFamily{
    .name = "hubert", .usual_model = "facebook/hubert-large-ls960-ft", .missing = "", .load = load};

}  // namespace titans::hearing::hubert
