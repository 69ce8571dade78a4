#include "character/engines.h"

#include "character/mind_chooser.h"
#include "foundation/log.h"
#include "hearing/families.h"
#include "hearing/vad/energy_detector.h"
#include "knowledge/bert/bert_embedder.h"
#include "mind/llama/llama_mind.h"
#include "models/memory.h"
#include "models/repository.h"

namespace titans::character {
namespace {

// More would seldom be used, and each holds its context's memory.
constexpr std::size_t kMostMinds = 2;

Error not_here(std::string_view field, std::string_view name) {
    return {ErrorKind::Conflict,
            std::format("{}: the model {} is not here yet; {}", field, name, how_to_get(name))};
}

struct WantedEars {
    const hearing::RecognizerFamily* family;
    std::string model;       // as ModelStore knows it
    std::string_view field;  // that chooses it
};

/// What these settings ask for. Errors: Unsupported; InvalidInput for an unknown size, or a name
/// that no model can have.
Result<WantedEars> find_ears(const SttSettings& settings) {
    const hearing::RecognizerFamily* const family = hearing::find_family(settings.model);
    if (family == nullptr || !family->missing.empty()) {
        return fail(
            ErrorKind::Unsupported,
            std::format("stt_settings.model: {} is not part of this server yet", settings.model));
    }
    if (!family->usual_model.empty()) {
        WantedEars ears{family, settings.model_name, "stt_settings.model_name"};
        if (ears.model.empty()) ears.model = family->usual_model;
        if (!models::check_repository_name(ears.model)) {
            return fail(ErrorKind::InvalidInput,
                        "stt_settings.model_name: must be a repository of the hub, as in org/name");
        }
        return ears;
    }
    const models::CatalogueModel* const model =
        models::find_model(models::ModelTask::Ears, settings.model, settings.model_size);
    if (model == nullptr) {
        return fail(
            ErrorKind::InvalidInput,
            std::format("stt_settings.model_size: there is no size {}", settings.model_size));
    }
    return WantedEars{family, std::string(model->name), "stt_settings.model_size"};
}

}  // namespace

std::optional<Error> missing_ears(const models::ModelStore& models, const SttSettings& settings) {
    const auto wanted = find_ears(settings);
    if (!wanted) return wanted.error();
    if (!models.find(wanted->model)) return not_here(wanted->field, wanted->model);
    return std::nullopt;
}

Result<mind::SteppedModel*> Engines::mind(const std::filesystem::path& file,
                                          const LlmConfig& config) {
    mind::LlamaMindOptions options{.threads = options_.threads,
                                   .gpu_layers = options_.use_gpu ? config.gpu_layers : 0};
    if (config.context_length) options.context_length = *config.context_length;
    if (config.batch_size) options.batch_size = *config.batch_size;
    const std::string key = std::format("{} {} {} {}", file.string(), options.context_length,
                                        options.batch_size, options.gpu_layers);
    const auto found = std::ranges::find(minds_, key, &LoadedMind::key);
    if (found != minds_.end()) {
        minds_.splice(minds_.begin(), minds_, found);
        return minds_.front().mind.get();
    }
    while (minds_.size() >= kMostMinds) {
        const auto idle = std::find_if(minds_.rbegin(), minds_.rend(),
                                       [](const LoadedMind& mind) { return mind.mind->is_idle(); });
        if (idle == minds_.rend()) return nullptr;
        minds_.erase(std::prev(idle.base()));
    }
    std::error_code unknown;
    const auto bytes = std::filesystem::file_size(file, unknown);
    if (!unknown) make_room(bytes);
    const Clock::time_point start = Clock::now();
    TITANS_TRY(auto loaded, mind::LlamaMind::load(file, options));
    const std::string name = file.filename().string();
    log::info("mind.loaded", "model={} ms={:.0f}", name, since(start).count());
    minds_.push_front({key, name, std::move(loaded)});
    note_loaded();
    return minds_.front().mind.get();
}

Result<hearing::SpeechRecognizer*> Engines::ears(const SttSettings& settings) {
    TITANS_TRY(const WantedEars wanted, find_ears(settings));
    const std::string& name = wanted.model;
    if (const auto found = ears_.find(name); found != ears_.end()) return found->second.get();
    const auto path = models_.find(name);
    if (!path) return std::unexpected(not_here(wanted.field, name));
    const Clock::time_point start = Clock::now();
    auto loaded = wanted.family->load(*path, options_.voices.networks);
    if (!loaded) {
        Error& error = loaded.error();
        error.message = std::format("{}: {}: {}", wanted.field, name, error.message);
        return std::unexpected(std::move(error));
    }
    log::info("ears.loaded", "model={} ms={:.0f}", name, since(start).count());
    auto& ears = ears_[name] = *std::move(loaded);
    note_loaded();
    return ears.get();
}

void Engines::make_room(std::uint64_t bytes) {
    const auto is_idle = [](const LoadedVoice& voice) { return voice.voice.use_count() == 1; };
    const auto is_short = [bytes] {
        const std::uint64_t free = models::free_memory();
        return free != 0 && free < bytes;
    };
    while (is_short()) {
        const auto idle = std::find_if(voices_.rbegin(), voices_.rend(), is_idle);
        if (idle == voices_.rend()) return;
        log::info("voice.unloaded", "model={}", idle->name);
        voices_.erase(std::prev(idle.base()));
        note_loaded();
    }
}

Result<std::shared_ptr<voice::SpeechSynthesizer>> Engines::voice(
    const voice::VoiceFamily& family, std::span<const std::filesystem::path> files) {
    std::string key;
    std::uint64_t bytes = 0;
    for (const std::filesystem::path& file : files) {
        key += file.string() + '\n';
        std::error_code unknown;
        if (const auto size = std::filesystem::file_size(file, unknown); !unknown) bytes += size;
    }
    const auto found = std::ranges::find(voices_, key, &LoadedVoice::key);
    if (found != voices_.end()) {
        voices_.splice(voices_.begin(), voices_, found);
        return voices_.front().voice;
    }
    make_room(bytes);
    const Clock::time_point start = Clock::now();
    auto loaded = family.load(files, options_.voices);
    if (!loaded) {
        Error& error = loaded.error();
        error.message =
            std::format("voice_cloning_settings.model: {}: {}", family.name, error.message);
        return std::unexpected(std::move(error));
    }
    log::info("voice.loaded", "family={} ms={:.0f}", family.name, since(start).count());
    voices_.push_front({std::move(key), std::string(family.name), *std::move(loaded)});
    note_loaded();
    return voices_.front().voice;
}

std::unique_ptr<hearing::vad::VoiceActivityDetector> Engines::detector() {
    const std::string_view name = models::default_of(models::ModelTask::SpeechDetector).name;
    if (detector_weights_ == nullptr) {
        if (const auto path = models_.find(name)) {
            auto weights = hearing::vad::load_silero(*path);
            if (weights) {
                detector_weights_ = *std::move(weights);
                note_loaded();
            } else {
                log::warn("detector.not_loaded", "message=\"{}\"", weights.error().message);
            }
        }
    }
    if (detector_weights_ == nullptr) return std::make_unique<hearing::vad::EnergyDetector>();
    return std::make_unique<hearing::vad::SileroDetector>(detector_weights_);
}

Result<knowledge::Embedder*> Engines::embedder() {
    if (embedder_ == nullptr) {
        const std::string name(models::default_of(models::ModelTask::Embedder).name);
        const auto path = models_.find(name);
        if (!path) return std::unexpected(not_here("EMBEDDING_MODEL", name));
        const Clock::time_point start = Clock::now();
        TITANS_TRY(embedder_,
                   knowledge::bert::BertEmbedder::load(*path, name, options_.voices.networks));
        log::info("embedder.loaded", "model={} ms={:.0f}", name, since(start).count());
        note_loaded();
    }
    return embedder_.get();
}

std::vector<LoadedModel> Engines::loaded() const {
    const std::lock_guard lock(loaded_mutex_);
    return loaded_;
}

void Engines::note_loaded() {
    std::vector<LoadedModel> loaded;
    for (const LoadedMind& mind : minds_) loaded.push_back({"mind", mind.name});
    for (const auto& [name, ears] : ears_) loaded.push_back({"ears", name});
    for (const LoadedVoice& voice : voices_) loaded.push_back({"voice", voice.name});
    if (detector_weights_ != nullptr) {
        loaded.push_back(
            {"detector", std::string(models::default_of(models::ModelTask::SpeechDetector).name)});
    }
    if (embedder_ != nullptr) loaded.push_back({"embedder", embedder_->model()});
    const std::lock_guard lock(loaded_mutex_);
    loaded_ = std::move(loaded);
}

}  // namespace titans::character
