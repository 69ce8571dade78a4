#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "character/llm_config.h"
#include "character/loaded_models.h"
#include "character/speech_settings.h"
#include "foundation/error.h"
#include "hearing/families.h"
#include "hearing/speech_recognizer.h"
#include "hearing/vad/voice_activity_detector.h"
#include "knowledge/embedder.h"
#include "mind/extractive/extractive_mind.h"
#include "mind/language_model.h"
#include "models/model_store.h"
#include "voice/families.h"

namespace titans::character {

/// A voice in memory, and what its networks are computed on: "cpu", or a card's name.
struct PlacedVoice {
    std::shared_ptr<voice::SpeechSynthesizer> synthesizer;
    std::string device;
};

/// The models that characters are made of, loaded when they are first asked for. They stay until
/// their memory is wanted for another one (LoadedModels).
///
/// Lives on the compute executor: every call but loaded() is a job there, and so is every use of
/// what it returns.
class Engines {
public:
    struct Options {
        int threads = 1;
        voice::VoiceResources voices;
        engine::Devices& devices;  // outlives the engines, and is used by them alone
        bool use_gpu = true;       // for minds, if there is one
    };

    Engines(models::ModelStore& models, Options options);

    /// The mind in `file`, with the context and batch that `config` asks for, until it is idle.
    /// Null if there is no room for it as long as others are not. Errors: InvalidInput or
    /// Unsupported if it is no model that writes text; Internal.
    Result<mind::SteppedModel*> mind(const std::filesystem::path& file, const LlmConfig& config);
    /// Quotes the knowledge: the mind for want of a model.
    mind::LanguageModel& extractive() { return extractive_mind_; }

    /// Errors: Conflict naming the download; Unsupported.
    Result<std::shared_ptr<hearing::SpeechRecognizer>> ears(const SttSettings& settings);

    /// The voices of `family` with its model `files`, on the device that is wished for; on the
    /// processor where that is not there, or has no room. Errors: of VoiceFamily::load(), naming
    /// the field.
    Result<PlacedVoice> voice(const voice::VoiceFamily& family,
                              std::span<const std::filesystem::path> files, const DeviceWish& wish);

    /// Finds speech in one recording. A simpler one if Silero's weights are not here.
    std::unique_ptr<hearing::vad::VoiceActivityDetector> detector();

    /// Errors: Conflict naming the download.
    Result<std::shared_ptr<knowledge::Embedder>> embedder();

    /// How many GPUs there are for voices. Thread-safe.
    int gpus() const { return options_.devices.gpus(); }
    /// What is in memory now. Thread-safe.
    std::vector<LoadedModel> loaded() const { return loaded_.list(); }

private:
    /// Where networks go, by preference; the last is the processor.
    std::vector<engine::Compute> places(const DeviceWish& wish = {});
    /// What `load` makes of those `files` at the first of `places` where that can be, once there is
    /// room for them; the last is the processor.
    template <typename Model, typename Load>
    Result<std::shared_ptr<Model>> load(LoadedModel what, std::string key,
                                        std::span<const std::filesystem::path> files,
                                        std::span<const engine::Compute> places, const Load& load);

    models::ModelStore& models_;
    const Options options_;
    LoadedModels loaded_;
    mind::ExtractiveMind extractive_mind_;  // for want of a model
};

/// What stands in the way of these ears, as the error that asking would give; nothing if they are
/// here.
std::optional<Error> missing_ears(const models::ModelStore& models, const SttSettings& settings);

}  // namespace titans::character
