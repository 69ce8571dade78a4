#include "character/speech_settings.h"

#include <algorithm>
#include <array>

#include "character/settings_reader.h"

namespace titans::character {
namespace {

Result<void> check_one_of(std::string_view field, std::string_view value,
                          std::span<const std::string_view> known) {
    if (std::ranges::contains(known, value)) return {};
    std::string list;
    for (const std::string_view name : known)
        list += std::format("{}{}", list.empty() ? "" : ", ", name);
    return fail(ErrorKind::InvalidInput, std::format("{}: must be one of {}", field, list));
}

}  // namespace

Result<SttSettings> parse_stt_settings(std::string_view json) {
    SettingsReader reader("stt_settings", json);
    SttSettings settings;
    reader.read(settings.model, "model", 64);
    reader.read(settings.model_size, "model_size", 64);
    reader.read(settings.language, "language", 16);
    if (reader.mistake()) return std::unexpected(*reader.mistake());
    // Recognisers know languages, not their regions.
    settings.language.resize(std::min(settings.language.find('-'), settings.language.size()));
    constexpr std::array<std::string_view, 4> kModels{"whisper", "wav2vec", "wav2vec2", "hubert"};
    TITANS_TRY_VOID(check_one_of("stt_settings.model", settings.model, kModels));
    return settings;
}

Result<VoiceSettings> parse_voice_settings(std::string_view json) {
    SettingsReader reader("voice_cloning_settings", json);
    VoiceSettings settings;
    reader.read(settings.model, "model", 64);
    reader.read(settings.reference_text, "reference_text");
    reader.read(settings.language, "language", 16);
    if (reader.mistake()) return std::unexpected(*reader.mistake());
    constexpr std::array<std::string_view, 5> kModels{"f5tts", "xtts", "zonos", "espeak-ng", ""};
    TITANS_TRY_VOID(
        check_one_of("voice_cloning_settings.model", settings.model, std::span(kModels)));
    return settings;
}

}  // namespace titans::character
