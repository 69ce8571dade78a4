#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "audio/preparation.h"
#include "audio/writer.h"
#include "character/settings_reader.h"
#include "foundation/error.h"
#include "voice/speech_synthesizer.h"

namespace titans::character {

/// What a character's `stt_settings` say, checked and with the defaults filled in.
struct SttSettings {
    std::string model = "whisper";
    std::string model_size = "base";  // of whisper
    std::string model_name;           // of the others: a model of the hub
    std::string language = "auto";    // without a region: "en" of "en-us"
    float vad_threshold = 0.5F;       // the probability that begins speech
    float threshold = 0.05F;          // the largest sample of an utterance, at least; of 1
    float silence_seconds = 2;        // ends an utterance
    float max_seconds = 30;           // of an utterance
    float min_seconds = 0.5F;         // of an utterance
};

/// InvalidInput as parse_llm_config().
Result<SttSettings> parse_stt_settings(std::string_view json, SettingsReport* report = nullptr);

/// What a voice's networks are to be computed on; by default, what the server usually uses.
struct DeviceWish {
    bool processor = false;
    std::optional<int> gpu;  // its number, from 0
};

/// What a character's `voice_cloning_settings` say, checked and with the defaults filled in.
struct VoiceSettings {
    std::string model;  // empty: not given
    std::string reference_text;
    voice::SpeechOptions speech;
    std::string model_name;  // which checkpoint of the model; empty: the usual one
    std::string model_path;  // a checkpoint of one's own, below MODELS_DIR; empty: none
    std::string vocab_path;  // and its vocabulary
    bool preprocess_audio = false;
    audio::Preparation preparation;  // of the recording; audio::standard_preparation() where
                                     // preprocess_audio asks for it and nothing else is given
    audio::WriteOptions output;      // of the recordings of answers
    bool coqui_tos_agreed = false;
    DeviceWish device;
};

/// InvalidInput as parse_llm_config().
Result<VoiceSettings> parse_voice_settings(std::string_view json, SettingsReport* report = nullptr);

}  // namespace titans::character
