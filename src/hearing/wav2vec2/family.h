#pragma once

#include "hearing/families.h"

namespace titans::hearing::wav2vec2 {

/// Wav2Vec2 with a CTC head (arXiv:2006.11477): see ctc::CtcRecognizer.
Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model,
                                               const engine::Compute& compute);

inline constexpr RecognizerFamily kFamily{
    .name = "wav2vec", .usual_model = "facebook/wav2vec2-large-960h", .missing = "", .load = load};
/// The same, as the hub names it.
inline constexpr RecognizerFamily kFamilyOfTheHub{
    .name = "wav2vec2", .usual_model = kFamily.usual_model, .missing = "", .load = load};

}  // namespace titans::hearing::wav2vec2
