#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <print>
#include <thread>

#include "api/server.h"
#include "app/compute.h"
#include "app/listening_address.h"
#include "app/model_store.h"
#include "app/words.h"
#include "character/characters.h"
#include "character/conversation.h"
#include "character/engines.h"
#include "character/lazy_embedder.h"
#include "character/local_minds.h"
#include "character/mind_chooser.h"
#include "engine/espeak/espeak_library.h"
#include "engine/ggml/backends.h"
#include "execution/executor.h"
#include "execution/on_loop.h"
#include "foundation/log.h"
#include "knowledge/embedding_worker.h"
#include "knowledge/openai_embedder.h"
#include "knowledge/recall.h"
#include "models/downloads.h"
#include "net/address_policy.h"
#include "net/http_client.h"
#include "store/files/media_store.h"
#include "store/postgres/postgres_character_store.h"
#include "store/secret_box.h"
#include "store/sqlite/sqlite_character_store.h"
#include "voice/families.h"

namespace titans::app {
namespace {

constexpr double kTidySeconds = 600;

/// Says that the server can be asked, once that is true: Drogon tells only that it is about to
/// listen.
void announce(const std::stop_token& stop, const ListeningAddress& address) {
    while (!address.accepts()) {
        if (stop.stop_requested()) return;
        std::this_thread::sleep_for(std::chrono::milliseconds(2));
    }
    std::println("ready {}", address.url());
    std::fflush(stdout);
}

/// Where files lie that records name. Each database has its own: a start with another one must not
/// take those of the first for leftovers. Errors: as CharacterStore.
Result<std::filesystem::path> media_folder(const config::Settings& settings,
                                           store::CharacterStore& store) {
    if (settings.database.name.empty()) return settings.data;
    TITANS_TRY(const std::string identity,
               on_loop<Result<std::string>>([&store] { return store.identity(); }));
    return settings.data / ("postgresql-" + identity);
}

int complain_of(const Error& error) {
    return complain(std::format("{} {}", error.message, error.detail));
}

/// SQLite below DATA_DIR, or PostgreSQL where DB_NAME names a database of it.
Result<std::unique_ptr<store::CharacterStore>> open_store(const config::Settings& settings,
                                                          Executor& executor) {
    const config::Settings::Database& database = settings.database;
    if (database.name.empty()) {
        std::error_code failed;
        std::filesystem::create_directories(database.vectors, failed);
        if (failed) return fail(ErrorKind::InvalidInput, "CHROMA_DB_PATH: cannot be made");
        return store::SqliteCharacterStore::open(settings.data / "titans.db",
                                                 database.vectors / "vectors.db", executor);
    }
    return store::PostgresCharacterStore::open({.name = database.name,
                                                .user = database.user,
                                                .password = database.password,
                                                .host = database.host,
                                                .port = database.port},
                                               executor);
}

/// True if EMBEDDING_MODEL is one of the operator's API: then documents leave this machine.
bool embeds_remotely(const config::Settings& settings) {
    const std::string& model = settings.knowledge.embedding_model;
    return !model.empty() && models::find_model(model) == nullptr;
}

std::unique_ptr<knowledge::Embedder> make_embedder(const config::Settings& settings,
                                                   const net::HttpClient& client,
                                                   character::Engines& engines) {
    if (embeds_remotely(settings)) {
        return std::make_unique<knowledge::OpenAiEmbedder>(
            client, knowledge::OpenAiEmbedder::Options{.base_url = settings.openai.base_url,
                                                       .model = settings.knowledge.embedding_model,
                                                       .api_key = settings.openai.api_key});
    }
    return std::make_unique<character::LazyEmbedder>(
        engines, std::string(models::default_of(models::ModelTask::Embedder).name));
}

Task<bool> is_reachable(store::CharacterStore& store) {
    co_return (co_await store.check()).has_value();
}

Task<Result<std::vector<models::ModelStatus>>> list_models(models::ModelStore& models,
                                                           Executor& files) {
    co_return co_await run_on(files, [&models] { return models.list(); });
}

std::vector<std::string> names_of(const std::vector<character::LoadedModel>& loaded) {
    std::vector<std::string> names;
    for (const character::LoadedModel& model : loaded)
        names.push_back(std::format("{}: {}", model.task, model.name));
    return names;
}

DetachedTask tidy(character::Characters& characters) { co_await characters.tidy(); }

}  // namespace

int serve(Arguments arguments, const config::Settings& given) {
    if (!arguments.empty())
        return complain("usage: titans serve (it is configured by .env and the environment)");
    config::Settings settings = given;
    config::settle_embedding_model(
        settings, models::find_model(settings.knowledge.embedding_model) != nullptr);
    for (const std::string& warning : settings.warnings) log::warn("settings", "{}", warning);
    const auto address = ListeningAddress::parse(settings.server.host, settings.server.port);
    if (!address) return complain(address.error().message);
    if (const auto free = address->check_free(); !free) return complain(free.error().message);
    umask(077);  // voices and keys are nobody else's
    std::error_code failed;
    std::filesystem::create_directories(settings.data, failed);
    if (failed) return complain(std::format("DATA_DIR: cannot be made: {}", failed.message()));

    // Two servers would sweep each other's files.
    const int lock = open((settings.data / "lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) != 0) {
        return complain("DATA_DIR: another Titans is at work in it, or it cannot be written to");
    }

    // Requests that a killed process was receiving: with recordings of people in them.
    const std::filesystem::path uploads = settings.data / "uploads";
    std::filesystem::remove_all(uploads, failed);
    if (failed) log::warn("uploads.not_swept", "detail=\"{}\"", failed.message());

    // Built once, in order; nothing below is found in any other way than by its constructor.
    const engine::ComputeDevices& devices = engine::load_backends();  // logs what it finds
    if (settings.compute.gpu == true &&
        std::ranges::none_of(devices.devices, &engine::ComputeDevice::gpu)) {
        log::warn("settings", "ENABLE_GPU: there is no GPU that this build can use");
    }
    const int threads = settings.compute.threads;
    // Generation uses all processors: the nice value lets the event loops and the voice go before
    // it.
    // How many turns there may be is bounded where they begin.
    constexpr std::size_t kManyJobs = 4096;
    Executor compute({.name = "compute", .queue_size = kManyJobs, .nice = 5});
    Executor speech({.name = "speech", .queue_size = kManyJobs});
    Executor files({.name = "files", .threads = 2, .queue_size = kManyJobs});
    Executor database({.name = "database", .threads = 4, .queue_size = kManyJobs});
    const int most_turns = static_cast<int>(settings.server.queue_size);
    // These wait for others' machines.
    Executor remote({.name = "remote", .threads = most_turns, .queue_size = kManyJobs});
    Executor downloading({.name = "download", .threads = 4, .queue_size = kManyJobs});

    const net::HttpClient client;
    auto policy = net::AddressPolicy::parse(settings.openai.allowed_private_hosts);
    if (!policy) return complain("ALLOWED_PRIVATE_HOSTS: " + policy.error().message);
    auto secrets = store::SecretBox::open(settings.data / "key", settings.database.sealing_key);
    if (!secrets) return complain_of(secrets.error());
    models::ModelStore models = make_model_store(settings);
    models::Downloads downloads(models, downloading);
    auto store = open_store(settings, database);
    if (!store) return complain_of(store.error());
    const auto media = media_folder(settings, **store);
    if (!media) return complain_of(media.error());
    std::filesystem::create_directories(*media, failed);
    auto character_files = store::MediaStore::open(*media / "files");
    auto audio_files = store::MediaStore::open(*media / "audio");
    auto voice_files = store::MediaStore::open(*media / "voices");
    if (!character_files || !audio_files || !voice_files)
        return complain("DATA_DIR: cannot be written to");
    character::AnswerAudio audio(
        *audio_files, {.age = settings.audio.kept_for, .bytes = settings.audio.kept_bytes});
    auto espeak = engine::EspeakLibrary::open();
    if (!espeak) return complain_of(espeak.error());
    auto networks = open_devices(settings);
    if (!networks) return complain_of(networks.error());
    const voice::VoiceResources voices{.espeak = espeak->get(), .networks = networks->processor()};
    auto stand_in = voice::find_family("espeak-ng")->load({}, voices);
    if (!stand_in) return complain_of(stand_in.error());

    character::Engines engines(models, {.threads = threads,
                                        .voices = voices,
                                        .devices = *networks,
                                        .use_gpu = settings.compute.gpu.value_or(true)});
    character::LocalMinds local_minds(
        [&](const auto& file, const auto& config) { return engines.mind(file, config); }, compute);
    const character::MindChooser minds(
        models, *secrets, client,
        {.openai_base_url = settings.openai.base_url,
         .openai_api_key = settings.openai.api_key,
         .default_openai_model = settings.openai.default_model,
         .gguf_model = settings.models.gguf_model,
         .client_policy = std::make_shared<const net::AddressPolicy>(*std::move(policy))});
    const std::unique_ptr<knowledge::Embedder> embedder = make_embedder(settings, client, engines);
    Executor& embeds_on = embeds_remotely(settings) ? remote : compute;
    knowledge::Recall recall(**store, embedder.get(), embeds_on);
    knowledge::EmbeddingWorker embedding(**store, *embedder, embeds_on);
    character::VoiceSamples samples(
        {.characters = **store,
         .files = *character_files,
         .file_work = files,
         .compute = compute,
         .longest_audio = settings.audio.max_seconds,
         .missing_ears = [&](const auto& ears) { return character::missing_ears(models, ears); },
         .ears = [&](const auto& ears) { return engines.ears(ears); },
         .detector = [&] { return engines.detector(); }});
    const character::Voices speakers({.characters = **store,
                                      .models = models,
                                      .engines = engines,
                                      .samples = samples,
                                      .learned = *voice_files,
                                      .resources = voices,
                                      .stand_in = *stand_in,
                                      .compute = compute,
                                      .speech = speech,
                                      .files = files});
    character::Characters characters({.characters = **store,
                                      .files = *character_files,
                                      .audio = audio,
                                      .embedding = embedding,
                                      .samples = samples,
                                      .models = models,
                                      .minds = minds,
                                      .secrets = *secrets,
                                      .voices = speakers,
                                      .file_work = files,
                                      .longest_audio = settings.audio.max_seconds});
    character::Conversation conversation({.characters = **store,
                                          .audio = audio,
                                          .recall = recall,
                                          .embedding = embedding,
                                          .samples = samples,
                                          .models = models,
                                          .minds = minds,
                                          .local_minds = local_minds,
                                          .engines = engines,
                                          .voices = speakers,
                                          .compute = compute,
                                          .remote = remote,
                                          .files = files,
                                          .most_turns = most_turns,
                                          .longest_audio = settings.audio.max_seconds});
    const Result<void> swept = on_loop<Result<void>>([&] { return characters.sweep(); });
    if (!swept) log::warn("files.not_swept", "detail=\"{}\"", swept.error().detail);

    const auto on_start = [&] {
        embedding.wake();
        tidy(characters);
        current_loop().runEvery(kTidySeconds, [&] { tidy(characters); });
    };
    const std::jthread announcer(announce, std::cref(*address));
    const auto health = [&]() -> api::HealthSources {
        const auto queues = [&] {
            std::vector<api::QueueLength> lengths;
            for (const Executor* executor :
                 {&compute, &remote, &speech, &files, &database, &downloading})
                lengths.push_back({executor->name(), executor->waiting()});
            return lengths;
        };
        return {.version = TITANS_VERSION,
                .database_kind = settings.database.name.empty() ? "sqlite" : "postgresql",
                .database_reachable = [&] { return is_reachable(**store); },
                .queues = queues,
                .active_turns = [&] { return static_cast<std::size_t>(conversation.turns()); },
                .loaded_models = [&] { return names_of(engines.loaded()); },
                .models = [&] { return list_models(models, files); },
                .downloads = [&] { return downloads.list(); }};
    };
    api::run_server({.host = address->host(),
                     .port = settings.server.port,
                     .public_url = settings.server.public_url,
                     .allowed_hosts = settings.server.allowed_hosts,
                     .max_upload_bytes = settings.server.max_upload_bytes,
                     .request_timeout = settings.server.request_timeout,
                     .api_key = settings.server.api_key,
                     .uploads = uploads,
                     .debug = settings.server.debug},
                    {characters, conversation, speakers, downloads, health()}, on_start, {});
    // Crash-only: everything acknowledged is on disk, and what still runs has no one left to tell.
    std::fflush(nullptr);
    std::_Exit(0);
}

}  // namespace titans::app
