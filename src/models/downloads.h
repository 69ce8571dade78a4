#pragma once

#include <cstdint>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "execution/executor.h"
#include "execution/task.h"
#include "foundation/error.h"
#include "models/model_store.h"

namespace titans::models {

/// A download that runs, or the last one of its model that failed.
struct DownloadStatus {
    std::string model;
    std::string wanted;       // of its files; empty: none was named
    std::string step;         // "waiting", "downloading", "converting", "failed"
    std::string file;         // while downloading
    std::uint64_t bytes = 0;  // of that file that are here
    std::uint64_t of_bytes = 0;
    std::string error;  // if it failed
};

/// Downloads that clients ask for: equal requests share one, and it goes on if they leave.
///
/// Thread-safe. Tasks resume on the event loop that awaited them.
class Downloads {
public:
    /// Both must outlive it, and so must the loops that await get(). The executor has a thread for
    /// each download that runs at once; more wait in its queue.
    Downloads(ModelStore& models, Executor& executor);
    Downloads(const Downloads&) = delete;
    Downloads& operator=(const Downloads&) = delete;
    /// Ends what runs.
    ~Downloads();

    /// Gets a model of the catalogue, with what it needs, if `licence` or what was said before
    /// accepts its licence; or of the hub: "org/name", of whose GGUF files `wanted` names
    /// one, or a quantisation ("Q4_K_M"); empty: the best that fits memory. Returns what to load, a
    /// file or the folder of a checkpoint, relative to the models' folder. `stop` ends the waiting,
    /// not the download. Errors: as ModelStore::fetch() and fetch_repository(); Busy if too many
    /// wait.
    Task<Result<std::string>> get(std::string name, std::string wanted, LicenceAnswer licence,
                                  std::stop_token stop);

    /// What runs or has failed, in the order it was asked for.
    std::vector<DownloadStatus> list() const;

private:
    struct State;

    const std::shared_ptr<State> state_;
};

}  // namespace titans::models
