#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <print>
#include <thread>

#include "api/server.h"
#include "app/listening_address.h"
#include "app/model_store.h"
#include "app/words.h"
#include "character/characters.h"
#include "character/conversation.h"
#include "character/engines.h"
#include "character/lazy_embedder.h"
#include "engine/espeak/espeak_library.h"
#include "engine/ggml/backends.h"
#include "execution/executor.h"
#include "execution/on_loop.h"
#include "foundation/log.h"
#include "knowledge/embedding_worker.h"
#include "knowledge/recall.h"
#include "store/files/media_store.h"
#include "store/sqlite/sqlite_character_store.h"
#include "voice/families.h"

namespace titans::app {
namespace {

constexpr std::chrono::days kAudioKept{7};

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

}  // namespace

int serve(Arguments arguments, const config::Settings& settings) {
    if (!arguments.empty())
        return complain("usage: titans serve (it is configured by .env and the environment)");
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

    // Built once, in order; nothing below is found in any other way than by its constructor.
    engine::load_backends();  // logs what it finds
    const int threads = settings.compute.threads;
    // Generation uses all processors: the nice value lets the event loops and the voice go before
    // it.
    Executor compute({.name = "compute", .queue_size = settings.server.queue_size, .nice = 5});
    Executor speech({.name = "speech", .queue_size = 256});
    Executor files({.name = "files", .threads = 2});
    Executor database({.name = "database", .threads = 2, .queue_size = 1024});

    models::ModelStore models = make_model_store(settings);
    auto characters = store::SqliteCharacterStore::open(settings.data / "titans.db", database);
    if (!characters)
        return complain(
            std::format("{} {}", characters.error().message, characters.error().detail));
    auto character_files = store::MediaStore::open(settings.data / "files");
    auto audio_files = store::MediaStore::open(settings.data / "audio");
    if (!character_files || !audio_files) return complain("DATA_DIR: cannot be written to");
    auto espeak = engine::EspeakLibrary::open();
    if (!espeak)
        return complain(std::format("{} {}", espeak.error().message, espeak.error().detail));
    const voice::VoiceResources voices{.espeak = espeak->get(), .threads = threads};
    auto speaker = voice::find_family("espeak-ng")->load(voices);
    if (!speaker)
        return complain(std::format("{} {}", speaker.error().message, speaker.error().detail));

    character::Engines engines(models,
                               {.threads = threads, .gguf_model = settings.models.gguf_model});
    character::LazyEmbedder embedder(
        engines, std::string(models::default_of(models::ModelTask::Embedder).name));
    knowledge::Recall recall(**characters, &embedder, compute);
    knowledge::EmbeddingWorker embedding(**characters, embedder, compute);
    character::Characters maker({**characters, *character_files, embedding, files});
    character::Conversation conversation({.characters = **characters,
                                          .audio_files = *audio_files,
                                          .recall = recall,
                                          .engines = engines,
                                          .speaker = **speaker,
                                          .compute = compute,
                                          .speech = speech,
                                          .files = files});
    const Result<void> swept = on_loop<Result<void>>([&maker] { return maker.sweep(); });
    if (!swept) log::warn("files.not_swept", "detail=\"{}\"", swept.error().detail);

    if (const auto aged = audio_files->sweep_older_than(kAudioKept); !aged) {
        log::warn("files.not_swept", "detail=\"{}\"", aged.error().detail);
    }

    const std::jthread announcer(announce, std::cref(*address));
    api::run_server({.host = address->host(),
                     .port = settings.server.port,
                     .public_url = settings.server.public_url,
                     .max_upload_bytes = settings.server.max_upload_bytes,
                     .request_timeout = settings.server.request_timeout,
                     .api_key = settings.server.api_key,
                     .uploads = settings.data / "uploads"},
                    {maker, conversation, voices}, [&embedding] { embedding.wake(); }, {});
    // Crash-only: everything acknowledged is on disk, and what still runs has no one left to tell.
    std::fflush(nullptr);
    std::_Exit(0);
}

}  // namespace titans::app
