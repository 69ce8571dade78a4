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
/// What a network computes on takes so small a part of its weights again, at least.
constexpr std::uint64_t kGraphsOfGpu = 4;

/// As LoadedModels wants it.
std::uint64_t free_memory(const engine::Device* gpu) {
    return gpu == nullptr ? models::free_memory() : gpu->free_memory().value_or(0);
}

/// As LoadedModels knows it.
const engine::Device* gpu_of(const engine::Compute& place) {
    return place.device->is_gpu() ? place.device.get() : nullptr;
}

/// Of those whose size is known.
std::uint64_t bytes_of(std::span<const std::filesystem::path> files) {
    std::uint64_t bytes = 0;
    for (const std::filesystem::path& file : files) {
        std::error_code unknown;
        if (const auto size = std::filesystem::file_size(file, unknown); !unknown) bytes += size;
    }
    return bytes;
}

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

Engines::Engines(models::ModelStore& models, Options options)
    : models_(models), options_(std::move(options)), loaded_(free_memory) {}

std::vector<engine::Compute> Engines::places(const DeviceWish& wish) {
    std::vector<engine::Compute> places;
    if (wish.gpu) {
        if (auto wanted = options_.devices.gpu(*wish.gpu)) places.push_back(*std::move(wanted));
    } else if (!wish.processor) {
        if (engine::Compute usual = options_.devices.usual(); usual.device->is_gpu())
            places.push_back(std::move(usual));
    }
    places.push_back(options_.devices.processor());
    return places;
}

template <typename Model, typename Load>
Result<std::shared_ptr<Model>> Engines::load(LoadedModel what, std::string key,
                                             std::span<const std::filesystem::path> files,
                                             std::span<const engine::Compute> places,
                                             const Load& load) {
    const std::uint64_t bytes = bytes_of(files);
    for (const engine::Compute& place : places) {
        const engine::Device* const gpu = gpu_of(place);
        const std::string& device = place.device->name();
        const std::uint64_t wanted = gpu == nullptr ? bytes : bytes + bytes / kGraphsOfGpu;
        if (!loaded_.make_room(wanted, gpu) && gpu != nullptr) {
            log::warn("engine.gpu_full", "device=\"{}\" wanted_mib={}", device, wanted >> 20U);
            continue;
        }
        const Clock::time_point start = Clock::now();
        auto made = load(place);
        if (!made && gpu != nullptr) {
            log::warn("engine.gpu_unused", "device=\"{}\" message=\"{}\" detail=\"{}\"", device,
                      made.error().message, made.error().detail);
            continue;
        }
        TITANS_TRY(std::shared_ptr<Model> model, std::move(made));
        log::info(std::format("{}.loaded", what.task), "model={} device=\"{}\" ms={:.0f}",
                  what.name, device, since(start).count());
        loaded_.add(std::move(what), std::move(key), model, gpu);
        return model;
    }
    std::unreachable();  // the processor is the last
}

Result<mind::SteppedModel*> Engines::mind(const std::filesystem::path& file,
                                          const LlmConfig& config) {
    mind::LlamaMindOptions options{.threads = options_.threads,
                                   .gpu_layers = options_.use_gpu ? config.gpu_layers : 0};
    if (config.context_length) options.context_length = *config.context_length;
    if (config.batch_size) options.batch_size = *config.batch_size;
    std::string key = std::format("{} {} {} {}", file.string(), options.context_length,
                                  options.batch_size, options.gpu_layers);
    if (const auto mind = loaded_.find<mind::SteppedModel>(key)) return mind.get();
    while (loaded_.count<mind::SteppedModel>() >= kMostMinds)
        if (!loaded_.give_up_one<mind::SteppedModel>()) return nullptr;
    TITANS_TRY(const auto mind, load<mind::SteppedModel>(
                                    {"mind", file.filename().string()}, std::move(key), {{file}},
                                    {{options_.devices.processor()}}, [&](const engine::Compute&) {
                                        return mind::LlamaMind::load(file, options);
                                    }));
    return mind.get();
}

Result<std::shared_ptr<hearing::SpeechRecognizer>> Engines::ears(const SttSettings& settings) {
    TITANS_TRY(const WantedEars wanted, find_ears(settings));
    const std::string& name = wanted.model;
    const std::vector<engine::Compute> all = places();
    for (const engine::Compute& place : all)
        if (auto ears = loaded_.find<hearing::SpeechRecognizer>(name, gpu_of(place))) return ears;
    const auto path = models_.find(name);
    if (!path) return std::unexpected(not_here(wanted.field, name));
    auto ears = load<hearing::SpeechRecognizer>(
        {"ears", name}, name, {{*path}}, all,
        [&](const engine::Compute& place) { return wanted.family->load(*path, place); });
    if (!ears)
        ears.error().message = std::format("{}: {}: {}", wanted.field, name, ears.error().message);
    return ears;
}

Result<PlacedVoice> Engines::voice(const voice::VoiceFamily& family,
                                   std::span<const std::filesystem::path> files,
                                   const DeviceWish& wish) {
    std::string key;
    for (const std::filesystem::path& file : files) key += file.string() + '\n';
    const std::vector<engine::Compute> all = places(wish);
    for (const engine::Compute& place : all) {
        if (auto voice = loaded_.find<voice::SpeechSynthesizer>(key, gpu_of(place)))
            return PlacedVoice{std::move(voice), place.device->name()};
    }
    std::string device;
    auto voice = load<voice::SpeechSynthesizer>({"voice", std::string(family.name)}, std::move(key),
                                                files, all, [&](const engine::Compute& place) {
                                                    device = place.device->name();
                                                    voice::VoiceResources resources =
                                                        options_.voices;
                                                    resources.networks = place;
                                                    return family.load(files, resources);
                                                });
    if (!voice) {
        Error& error = voice.error();
        error.message =
            std::format("voice_cloning_settings.model: {}: {}", family.name, error.message);
        return std::unexpected(std::move(error));
    }
    return PlacedVoice{*std::move(voice), std::move(device)};
}

std::unique_ptr<hearing::vad::VoiceActivityDetector> Engines::detector() {
    using Weights = const hearing::vad::SileroWeights;
    const std::string name(models::default_of(models::ModelTask::SpeechDetector).name);
    std::shared_ptr<Weights> weights = loaded_.find<Weights>(name);
    if (const auto path = weights == nullptr ? models_.find(name) : std::nullopt) {
        auto loaded =
            load<Weights>({"detector", name}, name, {{*path}}, {{options_.devices.processor()}},
                          [&](const engine::Compute&) { return hearing::vad::load_silero(*path); });
        if (loaded) {
            weights = *std::move(loaded);
        } else {
            log::warn("detector.not_loaded", "message=\"{}\"", loaded.error().message);
        }
    }
    if (weights == nullptr) return std::make_unique<hearing::vad::EnergyDetector>();
    return std::make_unique<hearing::vad::SileroDetector>(std::move(weights));
}

Result<std::shared_ptr<knowledge::Embedder>> Engines::embedder() {
    const std::string name(models::default_of(models::ModelTask::Embedder).name);
    const std::vector<engine::Compute> all = places();
    for (const engine::Compute& place : all)
        if (auto embedder = loaded_.find<knowledge::Embedder>(name, gpu_of(place))) return embedder;
    const auto path = models_.find(name);
    if (!path) return std::unexpected(not_here("EMBEDDING_MODEL", name));
    return load<knowledge::Embedder>(
        {"embedder", name}, name, {{*path}}, all, [&](const engine::Compute& place) {
            return knowledge::bert::BertEmbedder::load(*path, name, place);
        });
}

}  // namespace titans::character
