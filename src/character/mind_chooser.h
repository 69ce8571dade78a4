#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <variant>

#include "character/llm_config.h"
#include "foundation/error.h"
#include "foundation/secret.h"
#include "mind/language_model.h"
#include "mind/openai/openai_mind.h"
#include "models/model_store.h"
#include "store/secret_box.h"

namespace titans::character {

/// A GGUF file, to be loaded by Engines.
struct LocalMind {
    std::filesystem::path file;
};
/// A model behind an API, ready to be asked; any thread may make the calls, one at a time.
struct RemoteMind {
    mind::OpenAiTarget target;
    std::shared_ptr<mind::LanguageModel> mind;
};
/// None: the knowledge is quoted.
struct NoMind {};

using MindChoice = std::variant<LocalMind, RemoteMind, NoMind>;

/// Decides which mind a character's settings mean. Thread-safe.
class MindChooser {
public:
    struct Options {
        std::string openai_base_url;
        Secret openai_api_key;
        std::string default_openai_model;
        std::filesystem::path gguf_model;  // of characters that name none; empty: the catalogue's
        std::shared_ptr<const net::AddressPolicy> client_policy;  // for a base_url that is not ours
    };

    MindChooser(const models::ModelStore& models, const store::SecretBox& secrets,
                const net::HttpClient& client, Options options)
        : models_(models), secrets_(secrets), client_(client), options_(std::move(options)) {}

    /// The first of these that the settings give: a file (model_path, or a name that ends in
    /// .gguf); an API at base_url; the operator's API (api_key, or a name of OpenAI's); a model of
    /// the catalogue; one of the hub (org/name); else what the operator has: OPENAI_API_KEY's
    /// default model, GGUF_MODEL_PATH, the catalogue's default. model_name beats llm_model.
    ///
    /// Errors, naming the field: InvalidInput for what can never be (a path elsewhere, an unknown
    /// name, a base_url that is none); Conflict for what is not here yet, saying how to get it;
    /// Unsupported for checkpoints that are no GGUF.
    Result<MindChoice> choose(const std::string& llm_model, const LlmConfig& config) const;

private:
    Result<MindChoice> file(const char* field, const std::string& path) const;
    Result<MindChoice> api(const std::string& model, const LlmConfig& config) const;
    Result<MindChoice> named(const char* field, const std::string& name) const;
    Result<MindChoice> standard() const;

    const models::ModelStore& models_;
    const store::SecretBox& secrets_;
    const net::HttpClient& client_;
    const Options options_;
};

/// How to get a model that is not here, for the end of a message.
std::string how_to_get(std::string_view name);

}  // namespace titans::character
