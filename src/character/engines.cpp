#include "character/engines.h"

#include "foundation/log.h"
#include "hearing/families.h"
#include "knowledge/llama_embedder.h"
#include "mind/llama/llama_mind.h"

namespace titans::character {
namespace {

// More would seldom be used, and each holds its context's memory.
constexpr std::size_t kMostMinds = 2;

Error not_here(std::string_view field, std::string_view name) {
    return {ErrorKind::Conflict,
            std::format("{}: the model {} is not here yet; get it with: ./titans models fetch {}",
                        field, name, name)};
}

/// True for the names by which OpenAI's API calls its models.
bool is_api_model(std::string_view name) {
    return name.starts_with("gpt-") || name.starts_with("chatgpt-") ||
           (name.size() >= 2 && name[0] == 'o' && name[1] >= '0' && name[1] <= '9');
}

}  // namespace

Result<std::optional<std::filesystem::path>> Engines::find_mind(const std::string& llm_model,
                                                                const LlmConfig& config) const {
    const std::string& name = config.model_name.empty() ? llm_model : config.model_name;
    if (!config.model_path.empty()) return models_.resolve(config.model_path);
    if (llm_model.ends_with(".gguf")) return models_.resolve(llm_model);
    if (!config.base_url.empty() || config.has_api_key || is_api_model(name)) {
        return fail(ErrorKind::Unsupported,
                    "llm_config: minds behind an API are not part of this server yet");
    }
    if (!name.empty()) {
        if (models::find_model(name) == nullptr) {
            return fail(ErrorKind::Unsupported,
                        std::format("llm_model: {} is no model of the catalogue", name));
        }
        if (auto path = models_.find(name)) return *std::move(path);
        return std::unexpected(not_here("llm_model", name));
    }
    if (!options_.gguf_model.empty()) return options_.gguf_model;
    return models_.find(models::default_of(models::ModelTask::Mind).name);
}

Result<mind::LanguageModel*> Engines::mind(const std::string& llm_model, const LlmConfig& config) {
    TITANS_TRY(const std::optional<std::filesystem::path> path, find_mind(llm_model, config));
    if (!path) return &extractive_mind_;
    mind::LlamaMindOptions options{.threads = options_.threads, .gpu_layers = config.gpu_layers};
    if (config.context_length) options.context_length = *config.context_length;
    if (config.batch_size) options.batch_size = *config.batch_size;
    const std::string key = std::format("{} {} {} {}", path->string(), options.context_length,
                                        options.batch_size, options.gpu_layers);
    const auto found = std::ranges::find(minds_, key, &LoadedMind::key);
    if (found != minds_.end()) {
        minds_.splice(minds_.begin(), minds_, found);
        return minds_.front().mind.get();
    }
    const Clock::time_point start = Clock::now();
    while (minds_.size() >= kMostMinds) minds_.pop_back();
    TITANS_TRY(auto loaded, mind::LlamaMind::load(*path, options));
    log::info("mind.loaded", "model={} ms={:.0f}", path->filename().string(), since(start).count());
    minds_.push_front({key, std::move(loaded)});
    return minds_.front().mind.get();
}

Result<hearing::SpeechRecognizer*> Engines::ears(const SttSettings& settings) {
    const hearing::RecognizerFamily* const family = hearing::find_family(settings.model);
    if (family == nullptr || !family->missing.empty()) {
        return fail(
            ErrorKind::Unsupported,
            std::format("stt_settings.model: {} is not part of this server yet", settings.model));
    }
    const models::CatalogueModel* const model =
        models::find_model(models::ModelTask::Ears, settings.model, settings.model_size);
    if (model == nullptr) {
        return fail(
            ErrorKind::InvalidInput,
            std::format("stt_settings.model_size: there is no size {}", settings.model_size));
    }
    const std::string name(model->name);
    auto& ears = ears_[name];
    if (ears == nullptr) {
        const auto path = models_.find(name);
        if (!path) return std::unexpected(not_here("stt_settings.model_size", name));
        const Clock::time_point start = Clock::now();
        TITANS_TRY(ears, family->load(*path, options_.threads));
        log::info("ears.loaded", "model={} ms={:.0f}", name, since(start).count());
    }
    return ears.get();
}

Result<knowledge::Embedder*> Engines::embedder() {
    if (embedder_ == nullptr) {
        const std::string name(models::default_of(models::ModelTask::Embedder).name);
        const auto path = models_.find(name);
        if (!path) return std::unexpected(not_here("EMBEDDING_MODEL", name));
        const Clock::time_point start = Clock::now();
        TITANS_TRY(embedder_, knowledge::LlamaEmbedder::load(*path, name, options_.threads));
        log::info("embedder.loaded", "model={} ms={:.0f}", name, since(start).count());
    }
    return embedder_.get();
}

}  // namespace titans::character
