#include "character/speech_settings.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <format>
#include <limits>
#include <optional>

namespace titans::character {
namespace {

constexpr std::array<std::string_view, 4> kRecognisers{"whisper", "wav2vec", "wav2vec2", "hubert"};
constexpr std::array<std::string_view, 4> kFormats{"wav", "mp3", "opus", "flac"};
constexpr std::array<std::string_view, 4> kVoices{"f5tts", "xtts", "zonos", "espeak-ng"};
constexpr std::array<std::string_view, 3> kQualities{"fast", "balanced", "best"};
constexpr std::array<std::string_view, 2> kF5Models{"F5TTS_v1_Base", "F5TTS_Base"};

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

std::optional<voice::Quality> quality_of(std::string_view name) {
    if (name == "fast") return voice::Quality::Fast;
    if (name == "balanced") return voice::Quality::Balanced;
    if (name == "best") return voice::Quality::Best;
    return std::nullopt;
}

void read_speech(SettingsReader& reader, voice::SpeechOptions& speech) {
    reader.read(speech.language, "language", 16);
    reader.read(speech.normalize_text, "normalize_text");
    reader.read(speech.speed, "speed", 0.25, 4.0);
    reader.read(speech.seed, "seed", std::numeric_limits<std::uint64_t>::max());
    std::string quality;
    reader.read_one_of(quality, "quality", kQualities);
    speech.quality = quality_of(quality);
    reader.read(speech.nfe_step, "nfe_step", 1, 128);
    reader.read(speech.cfg_strength, "cfg_strength", 0.0F, 10.0F);
    reader.read(speech.sway_sampling_coef, "sway_sampling_coef", -1.0F, 1.0F);
    reader.read(speech.cross_fade_duration, "cross_fade_duration", 0.0, 5.0);
    reader.read(speech.fix_duration, "fix_duration", 1.0, 87.0);
    reader.read(speech.target_rms, "target_rms", 0.0F, 1.0F);
    reader.read(speech.reference_mode, "reference_mode");
}

/// As torch writes devices, or a number alone.
Result<DeviceWish> read_device(std::string_view text) {
    if (text.empty() || text == "auto") return DeviceWish{};
    if (text == "cpu") return DeviceWish{.processor = true};
    for (const std::string_view kind : {"cuda", "gpu", "mps"}) {
        if (text == kind) return DeviceWish{.gpu = 0};
        if (text.starts_with(kind) && text[kind.size()] == ':') {
            text.remove_prefix(kind.size() + 1);
            break;
        }
    }
    constexpr int kMostDigits = 3;
    int number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size() || number < 0 ||
        text.size() > kMostDigits) {
        return fail(ErrorKind::InvalidInput,
                    "voice_cloning_settings.cuda_device: must be a GPU's number (0, cuda:0), cpu "
                    "or auto");
    }
    return DeviceWish{.gpu = number};
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
    read_speech(reader, settings.speech);
    reader.read_one_of(settings.model_name, "model_name", kF5Models);
    reader.read(settings.model_path, "model_path");
    reader.read(settings.vocab_path, "vocab_path");
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
    std::string device = "auto";
    reader.read(device, "cuda_device", 64);
    if (reader.mistake()) return std::unexpected(*reader.mistake());
    if (!is_language(settings.speech.language)) {
        return fail(ErrorKind::InvalidInput,
                    "voice_cloning_settings.language: must be a language's tag");
    }
    if (settings.model_path.empty() != settings.vocab_path.empty()) {
        return fail(ErrorKind::InvalidInput,
                    std::format("voice_cloning_settings.{}: a checkpoint needs both model_path and "
                                "vocab_path",
                                settings.model_path.empty() ? "model_path" : "vocab_path"));
    }
    TITANS_TRY(settings.device, read_device(device));
    settings.output.format = *audio::parse_format(format);
    if (normalize_loudness) settings.output.loudness_lufs = audio::kSpeechLoudness;
    if (report != nullptr) *report = reader.report();
    return settings;
}

}  // namespace titans::character
