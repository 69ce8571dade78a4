#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "models/hub.h"

namespace titans::models {

/// A repository of the hub that was fetched.
struct RepositoryModel {
    std::string name;                           // "org/name"
    std::filesystem::path folder;               // absolute
    std::optional<std::filesystem::path> gguf;  // absolute: the one to load, of several the one
                                                // fetched last; absent: a checkpoint
    std::uint64_t bytes = 0;                    // of its files
};

/// The repositories of the hub that are on this machine. Thread-safe, and safe beside other
/// processes with the same folder.
///
/// One lives in <models_dir>/<org>/<name>/: its files and model.json, which is written last, says
/// what they are, and makes them count. What is under way waits in
/// <models_dir>/.<org>--<name>.download for the next try.
class Repositories {
public:
    /// Called with the file, its bytes that are here, and all its bytes.
    using Progress = std::function<void(std::string_view, std::uint64_t, std::uint64_t)>;

    Repositories(std::filesystem::path models_dir, Hub::Options hub)
        : models_dir_(std::move(models_dir)), hub_(std::move(hub)) {}

    std::optional<RepositoryModel> find(std::string_view name) const;
    std::vector<RepositoryModel> list() const;

    /// As ModelStore::fetch_repository().
    Result<std::filesystem::path> fetch(std::string_view name, std::string_view wanted,
                                        std::uint64_t free_memory, const Progress& progress,
                                        const std::stop_token& stop) const;

private:
    class Fetch;

    const std::filesystem::path models_dir_;
    const Hub hub_;
};

}  // namespace titans::models
