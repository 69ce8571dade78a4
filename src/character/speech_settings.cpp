#include "character/speech_settings.h"

#include <algorithm>
#include <array>
#include <format>

namespace titans::character {
namespace {

constexpr std::array<std::string_view, 4> kRecognisers{"whisper", "wav2vec", "wav2vec2", "hubert"};
constexpr std::array<std::string_view, 4> kFormats{"wav", "mp3", "opus", "flac"};
constexpr std::array<std::string_view, 4> kVoices{"f5tts", "xtts", "zonos", "espeak-ng"};

/// BCP 47 as far as it is used here, or a name of that form.
bool is_language(std::string_view tag) {
    return !tag.empty() && std::ranges::all_of(tag, [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '-' || c == '_';
    });
}

void read_preparation(SettingsReader& reader, audio::Preparation& preparation) {
    reader.read(preparation.clean, "clean_audio");
    reader.read(preparation.remove_silence, "remove_silence");
    reader.read(preparation.enhance, "enhance_audio");
    reader.read(preparation.top_db, "top_db", 0.0F, 120.0F);
    reader.read(preparation.fade_ms, "fade_length_ms", 0, 10'000);
    reader.read(preparation.bass_boost, "bass_boost");
    reader.read(preparation.treble_boost, "treble_boost");
    reader.read(preparation.compression, "compression");
}

}  // namespace

Result<SttSettings> parse_stt_settings(std::string_view json, SettingsReport* report) {
    SettingsReader reader("stt_settings", json);
    SttSettings settings;
    reader.read_one_of(settings.model, "model", kRecognisers);
    if (settings.model != "whisper") settings.model_size.clear();
    reader.read(settings.model_size, "model_size", 64);
    reader.read(settings.model_name, "model_name", 256);
    reader.read(settings.language, "language", 16);
    reader.read(settings.threshold, "threshold", 0.0F, 1.0F);
    reader.read(settings.vad_threshold, "vad_threshold", 0.05F, 0.95F);
    reader.read(settings.silence_seconds, "silence", 0.05F, 60.0F);
    reader.read(settings.max_seconds, "max_time", 1.0F, 3600.0F);
    reader.read(settings.min_seconds, "min_duration", 0.0F, 60.0F);
    if (reader.mistake()) return std::unexpected(*reader.mistake());
    if (!is_language(settings.language))
        return fail(ErrorKind::InvalidInput, "stt_settings.language: must be a language's tag");
    // Recognisers know languages, not their regions.
    settings.language.resize(std::min(settings.language.find('-'), settings.language.size()));
    if (report != nullptr) *report = reader.report();
    return settings;
}

Result<VoiceSettings> parse_voice_settings(std::string_view json, SettingsReport* report) {
    SettingsReader reader("voice_cloning_settings", json);
    VoiceSettings settings;
    reader.read_one_of(settings.model, "model", kVoices);
    reader.read(settings.reference_text, "reference_text");
    reader.read(settings.language, "language", 16);
    reader.read(settings.preprocess_audio, "preprocess_audio");
    if (settings.preprocess_audio) settings.preparation = audio::standard_preparation();
    reader.read_object("preprocessing", [&settings](SettingsReader& nested) {
        read_preparation(nested, settings.preparation);
    });
    read_preparation(reader, settings.preparation);
    std::string format = "wav";
    reader.read_one_of(format, "audio_format", kFormats);
    bool normalize_loudness = false;
    reader.read(normalize_loudness, "normalize_loudness");
    reader.read(settings.coqui_tos_agreed, "coqui_tos_agreed");
    reader.read(settings.cuda_device, "cuda_device", 64);
    if (reader.mistake()) return std::unexpected(*reader.mistake());
    if (!is_language(settings.language)) {
        return fail(ErrorKind::InvalidInput,
                    "voice_cloning_settings.language: must be a language's tag");
    }
    settings.output.format = *audio::parse_format(format);
    if (normalize_loudness) settings.output.loudness_lufs = audio::kSpeechLoudness;
    if (report != nullptr) *report = reader.report();
    return settings;
}

std::string voice_shortfall(const VoiceSettings& settings, bool has_recording,
                            const voice::VoiceResources& voices) {
    constexpr std::string_view kStandard = "f5tts";  // of a recording whose settings name none
    std::string reason;
    if (settings.model != "espeak-ng") {
        const std::string_view wanted = settings.model.empty() ? kStandard : settings.model;
        const std::string missing = voice::find_family(wanted)->missing(voices);
        if (!has_recording) {
            reason = "the character has no recording to clone";
        } else if (!missing.empty()) {
            reason = std::format("{}: {}", wanted, missing);
        }
    }
    if (!voice::speaks(voices, settings.language)) {
        reason += std::format("{}espeak-ng does not speak {}, so it speaks English",
                              reason.empty() ? "" : "; ", settings.language);
    }
    return reason;
}

}  // namespace titans::character
