#pragma once

#include <filesystem>
#include <list>
#include <map>
#include <memory>
#include <string>

#include "character/llm_config.h"
#include "character/speech_settings.h"
#include "foundation/error.h"
#include "hearing/speech_recognizer.h"
#include "knowledge/embedder.h"
#include "mind/extractive/extractive_mind.h"
#include "mind/language_model.h"
#include "models/model_store.h"

namespace titans::character {

/// The minds, ears and embedder in memory, loaded when they are first asked for.
///
/// Lives on the compute executor: every call is a job there, and so is every use of what it
/// returns, which holds until the next call.
class Engines {
public:
    struct Options {
        int threads = 1;
        std::filesystem::path
            gguf_model;  // the mind of characters that name none; empty: the catalogue's
    };

    Engines(models::ModelStore& models, Options options)
        : models_(models), options_(std::move(options)) {}

    /// The mind of a character with these settings; the extractive one if they name none and the
    /// default model is not here. Errors: InvalidInput for a bad model_path; Conflict naming the
    /// download; Unsupported for an API's model.
    Result<mind::LanguageModel*> mind(const std::string& llm_model, const LlmConfig& config);

    /// Errors: Conflict naming the download; Unsupported.
    Result<hearing::SpeechRecognizer*> ears(const SttSettings& settings);

    /// Errors: Conflict naming the download.
    Result<knowledge::Embedder*> embedder();

private:
    struct LoadedMind {
        std::string key;
        std::unique_ptr<mind::LanguageModel> mind;
    };

    /// The GGUF file; nothing if none is asked for and the default one is not here.
    Result<std::optional<std::filesystem::path>> find_mind(const std::string& llm_model,
                                                           const LlmConfig& config) const;

    models::ModelStore& models_;
    const Options options_;
    std::list<LoadedMind> minds_;           // most recently used first
    mind::ExtractiveMind extractive_mind_;  // for want of a model
    std::map<std::string, std::unique_ptr<hearing::SpeechRecognizer>> ears_;
    std::unique_ptr<knowledge::Embedder> embedder_;
};

}  // namespace titans::character
