#include "models/repositories.h"

#include <algorithm>
#include <format>
#include <nlohmann/json.hpp>
#include <set>

#include "models/disk.h"
#include "models/leftovers.h"
#include "net/file_lock.h"
#include "net/verified_file.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kRecordName = "model.json";
constexpr std::uintmax_t kMaxRecordBytes = std::uintmax_t{4} << 20;
constexpr std::uint64_t kDiskReserve = std::uint64_t{64} << 20;  // left free by a download

/// What was fetched at once: a quantisation, or a checkpoint.
struct Entry {
    std::string gguf;  // empty: a checkpoint
    std::string revision;
    std::vector<RepositoryFile> files;
};

std::optional<RepositoryFile> read_file(const Json& json) {
    RepositoryFile file;
    if (!json.is_object()) return std::nullopt;
    file.name = json.value("name", Json()).is_string() ? json["name"] : Json("");
    const Json bytes = json.value("bytes", Json());
    if (file.name.empty() || !bytes.is_number_unsigned()) return std::nullopt;
    file.bytes = bytes;
    for (const auto& [key, hash] :
         {std::pair{"sha256", &file.sha256}, std::pair{"git_sha1", &file.git_sha1}}) {
        if (const auto found = json.find(key); found != json.end() && found->is_string())
            *hash = *found;
    }
    return file;
}

std::optional<Entry> read_entry(const Json& json) {
    Entry entry;
    if (!json.is_object()) return std::nullopt;
    if (const auto gguf = json.find("gguf"); gguf != json.end() && gguf->is_string())
        entry.gguf = *gguf;
    if (const auto revision = json.find("revision");
        revision != json.end() && revision->is_string())
        entry.revision = *revision;
    const auto files = json.find("files");
    if (files == json.end() || !files->is_array() || files->empty()) return std::nullopt;
    for (const Json& item : *files) {
        auto file = read_file(item);
        if (!file) return std::nullopt;
        entry.files.push_back(*std::move(file));
    }
    return entry;
}

/// What the record of a repository's folder says, the latest first.
std::vector<Entry> read_entries(const fs::path& folder) {
    std::vector<Entry> entries;
    const Json record = read_record(folder / kRecordName, kMaxRecordBytes);
    if (!record.is_object()) return entries;
    const auto models = record.find("models");
    if (models == record.end() || !models->is_array()) return entries;
    for (const Json& item : *models) {
        if (auto entry = read_entry(item)) entries.push_back(*std::move(entry));
    }
    return entries;
}

Json to_json(const Entry& entry) {
    Json files = Json::array();
    for (const RepositoryFile& file : entry.files)
        files.push_back({{"name", file.name},
                         {"bytes", file.bytes},
                         {file.sha256.empty() ? "git_sha1" : "sha256", file.hash()}});
    Json json{{"revision", entry.revision}, {"files", std::move(files)}};
    if (!entry.gguf.empty()) json["gguf"] = entry.gguf;
    return json;
}

bool is_here(const fs::path& folder, const Entry& entry) {
    return std::ranges::all_of(entry.files, [&](const RepositoryFile& file) {
        return has_size(folder / file.name, file.bytes);
    });
}

fs::path loaded(const fs::path& folder, const Entry& entry) {
    return entry.gguf.empty() ? folder : folder / entry.gguf;
}

bool is_meant(const Entry& entry, std::string_view wanted) {
    if (wanted.empty()) return true;
    return !entry.gguf.empty() && std::ranges::any_of(entry.files, [&](const RepositoryFile& file) {
        return is_wanted(file.name, wanted);
    });
}

RepositoryModel to_model(std::string_view name, const fs::path& folder, const Entry& entry) {
    RepositoryModel model{.name = std::string(name), .folder = folder};
    if (!entry.gguf.empty()) model.gguf = folder / entry.gguf;
    for (const RepositoryFile& file : entry.files) model.bytes += file.bytes;
    return model;
}

Result<void> make_folder(const fs::path& folder) {
    std::error_code failed;
    fs::create_directories(folder, failed);
    if (failed) return disk_error("a model's folder could not be made", folder, failed);
    return {};
}

}  // namespace

/// One run of fetch(), with its staging folder, which it holds alone.
class Repositories::Fetch {
public:
    Fetch(const Hub& hub, std::string_view name, fs::path folder, fs::path staging,
          const Progress& progress, const std::stop_token& stop)
        : hub_(hub),
          name_(name),
          folder_(std::move(folder)),
          staging_(std::move(staging)),
          progress_(progress),
          stop_(stop),
          entries_(read_entries(folder_)) {}

    const std::vector<Entry>& entries() const { return entries_; }

    Result<fs::path> run(std::string_view wanted, std::uint64_t free_memory) {
        TITANS_TRY(const RepositoryListing listing, hub_.list(name_, stop_));
        TITANS_TRY(RepositoryChoice choice, choose_files(name_, listing, wanted, free_memory));
        Entry entry{std::move(choice.gguf), listing.revision, std::move(choice.files)};
        keep_only(entry.files);
        TITANS_TRY_VOID(check_space(entry.files));
        for (const RepositoryFile& file : entry.files) {
            if (is_in_place(file)) continue;
            TITANS_TRY_VOID(hub_.download(
                name_, listing.revision, file, staged(file),
                [&](std::uint64_t bytes) {
                    if (progress_) progress_(file.name, bytes, file.bytes);
                },
                stop_));
        }
        return store(std::move(entry));
    }

    /// Makes an entry that is here the one to load.
    Result<fs::path> prefer(const Entry& chosen) {
        std::vector<Entry> entries = entries_;
        std::erase_if(entries, [&](const Entry& entry) { return entry.gguf == chosen.gguf; });
        entries.insert(entries.begin(), chosen);
        TITANS_TRY_VOID(write(entries));
        return loaded(folder_, chosen);
    }

    void clear() const {
        std::error_code ignored;
        fs::remove_all(staging_, ignored);
    }

private:
    /// By name and content: nothing of another revision is gone on with.
    fs::path staged(const RepositoryFile& file) const {
        net::Sha256 hash;
        hash.add(file.name + '\n' + file.hash());
        return staging_ / hash.finish();
    }

    /// True if the record vouches for the file.
    bool is_in_place(const RepositoryFile& file) const {
        if (!has_size(folder_ / file.name, file.bytes)) return false;
        return std::ranges::any_of(entries_, [&](const Entry& entry) {
            return std::ranges::any_of(entry.files, [&](const RepositoryFile& known) {
                return known.name == file.name && known.hash() == file.hash();
            });
        });
    }

    /// Removes what earlier tries left of other files.
    void keep_only(const std::vector<RepositoryFile>& files) const {
        std::set<fs::path> needed;
        for (const RepositoryFile& file : files) {
            needed.insert(staged(file));
            needed.insert(staged(file).string() + ".part");
        }
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(staging_, ignored)) {
            if (!needed.contains(entry.path())) fs::remove_all(entry.path(), ignored);
        }
    }

    Result<void> check_space(const std::vector<RepositoryFile>& files) const {
        std::uint64_t missing = 0;
        for (const RepositoryFile& file : files) {
            if (is_in_place(file)) continue;
            std::uint64_t here = 0;
            for (const char* ending : {"", ".part"}) {
                std::error_code absent;
                const std::uintmax_t size = fs::file_size(staged(file).string() + ending, absent);
                if (!absent) here = size;
            }
            missing += file.bytes - std::min<std::uint64_t>(here, file.bytes);
        }
        std::error_code failed;
        const fs::space_info space = fs::space(staging_, failed);
        if (failed || missing == 0 || missing + kDiskReserve <= space.available) return {};
        return fail(ErrorKind::Busy,
                    std::format("not enough disk space: {} needs {:.1f} GB more, and {:.1f} GB "
                                "are free",
                                name_, static_cast<double>(missing) / 1e9,
                                static_cast<double>(space.available) / 1e9));
    }

    /// Moves the files to where they belong, and then the record that makes them count.
    Result<fs::path> store(Entry entry) {
        TITANS_TRY_VOID(make_folder(folder_));
        std::vector<Entry> entries = entries_;
        const auto is_replaced = [&](const Entry& old) {
            return old.gguf == entry.gguf ||
                   std::ranges::any_of(old.files, [&](const RepositoryFile& file) {
                       return std::ranges::any_of(entry.files, [&](const RepositoryFile& other) {
                           return other.name == file.name && other.hash() != file.hash();
                       });
                   });
        };
        std::vector<RepositoryFile> arriving;
        std::ranges::copy_if(entry.files, std::back_inserter(arriving),
                             [&](const RepositoryFile& file) { return !is_in_place(file); });
        // What is about to change must not count in between.
        if (std::erase_if(entries, is_replaced) > 0) TITANS_TRY_VOID(write(entries));
        std::set<fs::path> folders{folder_};
        for (const RepositoryFile& file : arriving) {
            const fs::path place = folder_ / file.name;
            TITANS_TRY_VOID(make_folder(place.parent_path()));
            TITANS_TRY_VOID(rename_file(staged(file), place));
            folders.insert(place.parent_path());
        }
        for (const fs::path& folder : folders) TITANS_TRY_VOID(net::sync_path(folder));
        entries.insert(entries.begin(), std::move(entry));
        TITANS_TRY_VOID(write(entries));
        return loaded(folder_, entries.front());
    }

    Result<void> write(const std::vector<Entry>& entries) const {
        Json models = Json::array();
        for (const Entry& entry : entries) models.push_back(to_json(entry));
        const fs::path written = staging_ / kRecordName;
        TITANS_TRY_VOID(
            write_record({{"repository", name_}, {"models", std::move(models)}}, written));
        TITANS_TRY_VOID(rename_file(written, folder_ / kRecordName));
        return net::sync_path(folder_);
    }

    const Hub& hub_;
    const std::string name_;
    const fs::path folder_;
    const fs::path staging_;
    const Progress& progress_;
    const std::stop_token& stop_;
    const std::vector<Entry> entries_;  // of the record, which nobody else changes now
};

std::optional<RepositoryModel> Repositories::find(std::string_view name) const {
    if (!check_repository_name(name)) return std::nullopt;
    const fs::path folder = models_dir_ / name;
    for (const Entry& entry : read_entries(folder)) {
        if (is_here(folder, entry)) return to_model(name, folder, entry);
    }
    return std::nullopt;
}

std::vector<RepositoryModel> Repositories::list() const {
    std::vector<RepositoryModel> all;
    std::error_code ignored;
    for (const auto& organisation : fs::directory_iterator(models_dir_, ignored)) {
        for (const auto& folder : fs::directory_iterator(organisation.path(), ignored)) {
            const std::string name = folder.path().lexically_relative(models_dir_).string();
            if (auto model = find(name)) all.push_back(*std::move(model));
        }
    }
    std::ranges::sort(all, {}, &RepositoryModel::name);
    return all;
}

Result<fs::path> Repositories::fetch(std::string_view name, std::string_view wanted,
                                     std::uint64_t free_memory, const Progress& progress,
                                     const std::stop_token& stop) const {
    TITANS_TRY_VOID(check_repository_name(name));
    const fs::path folder = models_dir_ / name;
    const auto find_meant = [&](const std::vector<Entry>& entries) {
        return std::ranges::find_if(entries, [&](const Entry& entry) {
            return is_meant(entry, wanted) && is_here(folder, entry);
        });
    };
    {
        const std::vector<Entry> entries = read_entries(folder);
        if (const auto meant = find_meant(entries);
            meant != entries.end() && meant == entries.begin())
            return loaded(folder, *meant);
    }
    TITANS_TRY_VOID(make_folder(models_dir_));
    sweep_leftovers(models_dir_);
    std::string staging_name = std::format(".{}.download", name);
    staging_name.replace(staging_name.find('/'), 1, "--");
    const fs::path staging = models_dir_ / staging_name;
    TITANS_TRY(const net::FileDescriptor lock,
               net::lock_path(staging, net::LockedKind::Folder, stop));
    Fetch fetch(hub_, name, folder, staging, progress, stop);
    // Another one may have been first.
    const auto meant = find_meant(fetch.entries());
    auto fetched = meant == fetch.entries().end()     ? fetch.run(wanted, free_memory)
                   : meant == fetch.entries().begin() ? loaded(folder, *meant)
                                                      : fetch.prefer(*meant);
    if (fetched) fetch.clear();
    return fetched;
}

}  // namespace titans::models
