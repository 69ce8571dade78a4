#pragma once

#include <array>

#include "voice/families.h"

namespace titans::voice::espeak {

std::string missing(const VoiceResources& resources);
Result<std::shared_ptr<SpeechSynthesizer>> load(std::span<const std::filesystem::path> models,
                                                const VoiceResources& resources);

inline constexpr std::array<std::string_view, 1> kNeeds{"espeak-ng"};
inline constexpr VoiceFamily kFamily{.name = "espeak-ng",
                                     .dependencies = kNeeds,
                                     .models = {},
                                     .languages = {},
                                     .missing = missing,
                                     .load = load};

}  // namespace titans::voice::espeak
