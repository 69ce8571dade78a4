#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string_view>

#include "engine/layers/device.h"
#include "foundation/error.h"
#include "hearing/speech_recognizer.h"

namespace titans::hearing {

/// A kind of speech recogniser, as `stt_settings.model` names it.
struct RecognizerFamily {
    std::string_view name;
    /// The model of the hub that it is used with where none is named; empty: one of the catalogue.
    std::string_view usual_model;
    /// What this build lacks to run it, for a person to read; empty if nothing.
    std::string_view missing;
    /// Loads the model file `model`. Errors: NotFound, Unsupported, Internal.
    Result<std::unique_ptr<SpeechRecognizer>> (*load)(const std::filesystem::path& model,
                                                      const engine::Compute& compute);
};

/// Every family there is. A new one adds its folder and its line here.
std::span<const RecognizerFamily> families();

/// Nothing if there is none of that name.
const RecognizerFamily* find_family(std::string_view name);

}  // namespace titans::hearing
