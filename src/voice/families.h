#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "engine/espeak/espeak_library.h"
#include "engine/layers/device.h"
#include "foundation/error.h"
#include "voice/speech_synthesizer.h"

namespace titans::voice {

/// What voices are made from. What it points to outlives them.
struct VoiceResources {
    engine::EspeakLibrary* espeak = nullptr;  // none: espeak-ng could not be opened
    engine::Compute networks;                 // what their networks are computed on
};

/// A kind of voice, as `voice_cloning_settings.model` names it.
struct VoiceFamily {
    std::string_view name;
    std::span<const std::string_view> dependencies;  // what it needs, for a person to read
    /// The models of the catalogue that it is loaded from, in the order that `load` wants them.
    std::span<const std::string_view> models;
    std::span<const std::string_view> languages;  // ISO 639-1, of those models; none: any
    bool clones = false;                          // learns from VoiceSample::recording
    bool needs_transcript = false;                // and from VoiceSample::transcript
    /// What is not here to run it, but its models, for a person to read; empty if nothing.
    std::string (*missing)(const VoiceResources& resources);
    /// Errors: Unsupported if something is missing, or a file is not what it should be; Internal.
    Result<std::shared_ptr<SpeechSynthesizer>> (*load)(
        std::span<const std::filesystem::path> models, const VoiceResources& resources);
};

/// Every family there is. A new one adds its folder and its line here.
std::span<const VoiceFamily> families();

/// Whether espeak-ng, which stands in for voices that are not here, speaks `language` (BCP 47).
bool speaks(const VoiceResources& resources, std::string_view language);

/// Nothing if there is none of that name.
const VoiceFamily* find_family(std::string_view name);

}  // namespace titans::voice
