#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "character/llm_config.h"
#include "character/speech_settings.h"
#include "foundation/error.h"
#include "hearing/families.h"
#include "hearing/speech_recognizer.h"
#include "hearing/vad/silero_detector.h"
#include "knowledge/embedder.h"
#include "mind/extractive/extractive_mind.h"
#include "mind/language_model.h"
#include "models/model_store.h"
#include "voice/families.h"

namespace titans::character {

/// A model in memory.
struct LoadedModel {
    std::string_view task;  // "mind", "ears", "voice", "detector", "embedder"
    std::string name;
};

/// The minds, ears and embedder in memory, loaded when they are first asked for.
///
/// Lives on the compute executor: every call but loaded() is a job there, and so is every use of
/// what it returns. Ears and embedder stay once they are loaded.
class Engines {
public:
    struct Options {
        int threads = 1;
        voice::VoiceResources voices;  // with what the ears and the embedder are computed on, too
        bool use_gpu = true;           // if there is one
    };

    Engines(models::ModelStore& models, Options options) : models_(models), options_(options) {}

    /// The mind in `file`, with the context and batch that `config` asks for. It stays until it is
    /// idle and another one is wanted; null if there is no room for it as long as others are not.
    /// Errors: InvalidInput or Unsupported if it is no model that writes text; Internal.
    Result<mind::SteppedModel*> mind(const std::filesystem::path& file, const LlmConfig& config);
    /// Quotes the knowledge: the mind for want of a model.
    mind::LanguageModel& extractive() { return extractive_mind_; }

    /// Errors: Conflict naming the download; Unsupported.
    Result<hearing::SpeechRecognizer*> ears(const SttSettings& settings);

    /// The voices of `family` with its model `files`. It stays until its memory is wanted for
    /// something else and nobody speaks with it. Errors: of VoiceFamily::load(), naming the field.
    Result<std::shared_ptr<voice::SpeechSynthesizer>> voice(
        const voice::VoiceFamily& family, std::span<const std::filesystem::path> files);

    /// Finds speech in one recording. A simpler one if Silero's weights are not here.
    std::unique_ptr<hearing::vad::VoiceActivityDetector> detector();

    /// Errors: Conflict naming the download.
    Result<knowledge::Embedder*> embedder();

    /// What is in memory now. Thread-safe.
    std::vector<LoadedModel> loaded() const;

private:
    struct LoadedMind {
        std::string key;
        std::string name;
        std::unique_ptr<mind::SteppedModel> mind;
    };

    struct LoadedVoice {
        std::string key;
        std::string name;
        std::shared_ptr<voice::SpeechSynthesizer> voice;
    };

    /// Gives up voices that nobody uses until there is room for `bytes`, or none is left.
    void make_room(std::uint64_t bytes);
    void note_loaded();

    models::ModelStore& models_;
    const Options options_;
    std::list<LoadedMind> minds_;           // most recently used first
    mind::ExtractiveMind extractive_mind_;  // for want of a model
    std::map<std::string, std::unique_ptr<hearing::SpeechRecognizer>> ears_;
    std::list<LoadedVoice> voices_;  // most recently used first
    std::shared_ptr<const hearing::vad::SileroWeights> detector_weights_;
    std::unique_ptr<knowledge::Embedder> embedder_;
    mutable std::mutex loaded_mutex_;  // guards loaded_
    std::vector<LoadedModel> loaded_;
};

/// What stands in the way of these ears, as the error that asking would give; nothing if they are
/// here.
std::optional<Error> missing_ears(const models::ModelStore& models, const SttSettings& settings);

}  // namespace titans::character
