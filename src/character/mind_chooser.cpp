#include "character/mind_chooser.h"

#include <format>

#include "models/catalogue.h"
#include "models/repository.h"

namespace titans::character {
namespace {

/// True for the names by which OpenAI's API calls its models.
bool is_api_model(std::string_view name) {
    return name.starts_with("gpt-") || name.starts_with("chatgpt-") ||
           (name.size() >= 2 && name[0] == 'o' && name[1] >= '0' && name[1] <= '9' &&
            !name.contains('/'));
}

}  // namespace

std::string how_to_get(std::string_view name) {
    return std::format(
        "get it with POST /download-model {{\"model_name\": \"{}\"}} or ./titans models fetch {}",
        name, name);
}

Result<MindChoice> MindChooser::choose(const std::string& llm_model,
                                       const LlmConfig& config) const {
    const char* const field = config.model_name.empty() ? "llm_model" : "llm_config.model_name";
    const std::string& name = config.model_name.empty() ? llm_model : config.model_name;
    if (!config.model_path.empty()) return file("llm_config.model_path", config.model_path);
    if (name.ends_with(".gguf")) return file(field, name);
    if (!config.base_url.empty() || !config.api_key.empty() || is_api_model(name))
        return api(name, config);
    if (!name.empty()) return named(field, name);
    return standard();
}

Result<MindChoice> MindChooser::file(const char* field, const std::string& path) const {
    Result<std::filesystem::path> file = models_.resolve(path);
    if (file) return LocalMind{*std::move(file)};
    if (file.error().kind == ErrorKind::NotFound) {
        return fail(ErrorKind::Conflict,
                    std::format("{}: the file is not in MODELS_DIR yet; put it there, or get a "
                                "model with POST /download-model",
                                field));
    }
    return fail(file.error().kind, std::format("{}: {}", field, file.error().message),
                file.error().detail);
}

Result<MindChoice> MindChooser::api(const std::string& model, const LlmConfig& config) const {
    mind::OpenAiTarget target{.base_url = options_.openai_base_url,
                              .model = model.empty() ? options_.default_openai_model : model,
                              .api_key = {},
                              .policy = nullptr};
    bool ours = true;
    if (!config.base_url.empty()) {
        TITANS_TRY_VOID(mind::check_base_url(config.base_url));
        target.base_url = config.base_url;
        ours = mind::is_same_origin(config.base_url, options_.openai_base_url);
        if (!ours) target.policy = options_.client_policy;
    }
    if (!config.api_key.empty()) {
        // A key that was never stored is as it was given.
        if (store::SecretBox::is_sealed(config.api_key.reveal())) {
            Result<Secret> key = secrets_.unseal(config.api_key.reveal());
            if (!key) {
                return fail(ErrorKind::Conflict,
                            "llm_config.api_key: this server cannot read it any more; set it again",
                            key.error().message);
            }
            target.api_key = *std::move(key);
        } else {
            target.api_key = config.api_key;
        }
    } else if (ours) {
        // The server's own key goes where the operator said, and nowhere else.
        target.api_key = options_.openai_api_key;
        constexpr std::string_view kOpenAi = "https://api.openai.com";
        if (target.api_key.empty() && mind::is_same_origin(target.base_url, kOpenAi)) {
            return fail(ErrorKind::Conflict,
                        std::format("llm_config.api_key: {} needs one, or OPENAI_API_KEY in the "
                                    "server's configuration",
                                    target.model));
        }
    }
    auto mind = std::make_shared<mind::OpenAiMind>(client_, target);
    return RemoteMind{std::move(target), std::move(mind)};
}

Result<MindChoice> MindChooser::named(const char* field, const std::string& name) const {
    if (models::find_model(name) != nullptr) {
        if (models::find_model(name)->task != models::ModelTask::Mind) {
            return fail(ErrorKind::InvalidInput,
                        std::format("{}: {} is not a language model", field, name));
        }
        if (auto path = models_.find(name)) return LocalMind{*std::move(path)};
        return fail(ErrorKind::Conflict, std::format("{}: the model {} is not here yet; {}", field,
                                                     name, how_to_get(name)));
    }
    if (!models::check_repository_name(name)) {
        return fail(ErrorKind::InvalidInput,
                    std::format("{}: there is no model {}; known are the catalogue's names, "
                                "org/name of the hub, .gguf files in MODELS_DIR, and an API's "
                                "models with llm_config.base_url or api_key",
                                field, name));
    }
    const auto repository = models_.find_repository(name);
    if (!repository) {
        return fail(ErrorKind::Conflict, std::format("{}: the model {} is not here yet; {}", field,
                                                     name, how_to_get(name)));
    }
    if (!repository->gguf) {
        return fail(ErrorKind::Unsupported,
                    std::format("{}: {} is a checkpoint, which this server cannot run yet; a "
                                "repository with GGUF files can be",
                                field, name));
    }
    return LocalMind{*repository->gguf};
}

Result<MindChoice> MindChooser::standard() const {
    if (!options_.openai_api_key.empty()) return api("", {});
    if (!options_.gguf_model.empty()) return LocalMind{options_.gguf_model};
    if (auto path = models_.find(models::default_of(models::ModelTask::Mind).name))
        return LocalMind{*std::move(path)};
    return NoMind{};
}

}  // namespace titans::character
