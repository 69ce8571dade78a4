#pragma once

#include "hearing/families.h"

namespace titans::hearing::whisper {

Result<std::unique_ptr<SpeechRecognizer>> load(const std::filesystem::path& model,
                                               const engine::Compute& compute);

inline constexpr RecognizerFamily kFamily{.name = "whisper", .missing = "", .load = load};

}  // namespace titans::hearing::whisper
