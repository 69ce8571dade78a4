#pragma once

#include <array>

#include "voice/families.h"

namespace titans::voice::f5tts {

std::string missing(const VoiceResources& resources);
Result<std::shared_ptr<SpeechSynthesizer>> load(std::span<const std::filesystem::path> models,
                                                const VoiceResources& resources);

inline constexpr std::array<std::string_view, 2> kNeeds{"F5-TTS v1 Base weights (CC-BY-NC-4.0)",
                                                        "Vocos mel 24 kHz weights (MIT)"};
inline constexpr std::array<std::string_view, 2> kModels{"f5tts", "vocos-mel-24khz"};
inline constexpr std::array<std::string_view, 2> kLanguages{"en", "zh"};
inline constexpr VoiceFamily kFamily{.name = "f5tts",
                                     .dependencies = kNeeds,
                                     .models = kModels,
                                     .languages = kLanguages,
                                     .clones = true,
                                     .needs_transcript = true,
                                     .missing = missing,
                                     .load = load};

}  // namespace titans::voice::f5tts
