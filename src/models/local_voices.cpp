#include "models/local_voices.h"

#include <format>
#include <nlohmann/json.hpp>
#include <string>

#include "models/conversion.h"
#include "models/disk.h"
#include "net/file_lock.h"
#include "net/verified_file.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

constexpr std::uintmax_t kMaxRecordBytes = 1 << 14;
constexpr std::string_view kField = "voice_cloning_settings.";
// As the converter wants it in the checkpoint's folder.
constexpr std::string_view kVocabulary = "vocab.txt";

/// What a file is known again by.
Json stamp(const fs::path& file) {
    std::error_code failed;
    return {{"bytes", fs::file_size(file, failed)},
            {"modified", fs::last_write_time(file, failed).time_since_epoch().count()}};
}

std::string sha256(const std::string& text) {
    net::Sha256 hash;
    hash.add(text);
    return hash.finish();
}

/// The file that a record names, without its folder; empty if it names none.
std::string file_of(const Json& record) {
    const auto file = record.is_object() ? record.find("file") : record.end();
    if (!record.is_object() || file == record.end() || !file->is_string()) return {};
    return fs::path(file->get<std::string>()).filename();
}

/// What the converter said of the files, under the names that the client gave them.
Error blame(Error error) {
    if (error.kind == ErrorKind::Cancelled) return error;
    if (error.kind != ErrorKind::InvalidInput) {
        error.message = std::format("{}model_path: could not be converted", kField);
        return error;
    }
    const std::string vocabulary = std::format("{}:", kVocabulary);
    error.message =
        error.message.starts_with(vocabulary)
            ? std::format("{}vocab_path:{}", kField, error.message.substr(vocabulary.size()))
            : std::format("{}model_path: {}", kField, error.message);
    return error;
}

}  // namespace

Result<fs::path> LocalVoices::get(const fs::path& model, const fs::path& vocabulary,
                                  std::string_view kind, const std::stop_token& stop) const {
    const fs::path key =
        folder_ / sha256(std::format("{}\n{}\n{}", model.string(), vocabulary.string(), kind));
    const Json known{{"model", stamp(model)},
                     {"vocabulary", stamp(vocabulary)},
                     {"converter", kConverterVersion}};
    const auto find = [&]() -> std::string {
        const Json record = read_record(key.string() + ".json", kMaxRecordBytes);
        const std::string file = file_of(record);
        for (const auto& [name, value] : known.items()) {
            if (file.empty() || !record.contains(name) || record[name] != value) return {};
        }
        return fs::exists(folder_ / file) ? file : "";
    };
    if (const std::string file = find(); !file.empty()) return folder_ / file;

    std::error_code failed;
    fs::create_directories(folder_, failed);
    if (failed) return disk_error("the folder of voices could not be made", folder_, failed);
    const fs::path lock_path = key.string() + ".lock";
    TITANS_TRY(const net::FileDescriptor lock,
               net::lock_path(lock_path, net::LockedKind::File, stop));
    // Another one may have been first.
    if (const std::string file = find(); !file.empty()) return folder_ / file;
    auto made = make(model, vocabulary, kind, key, known, stop);
    fs::remove(lock_path, failed);
    return made;
}

Result<fs::path> LocalVoices::make(const fs::path& model, const fs::path& vocabulary,
                                   std::string_view kind, const fs::path& key, Json record,
                                   const std::stop_token& stop) const {
    const fs::path record_path = key.string() + ".json";
    const std::string before = file_of(read_record(record_path, kMaxRecordBytes));
    TITANS_TRY(const std::string model_hash, net::sha256_of_file(model, stop));
    TITANS_TRY(const std::string vocabulary_hash, net::sha256_of_file(vocabulary, stop));
    const std::string file =
        sha256(std::format("{} {} {} {}", kind, kConverterVersion, model_hash, vocabulary_hash)) +
        ".gguf";
    if (!fs::exists(folder_ / file)) {
        const fs::path staging = key.string() + ".staging";
        std::error_code ignored;
        fs::remove_all(staging, ignored);
        const auto converted = convert(model, vocabulary, kind, staging, folder_ / file, stop);
        fs::remove_all(staging, ignored);
        if (!converted) return std::unexpected(converted.error());
    }
    record["file"] = file;
    const fs::path written = record_path.string() + ".part";
    TITANS_TRY_VOID(write_record(record, written));
    TITANS_TRY_VOID(rename_file(written, record_path));
    if (!before.empty() && before != file) remove_if_unnamed(before);
    return folder_ / file;
}

Result<void> LocalVoices::convert(const fs::path& model, const fs::path& vocabulary,
                                  std::string_view kind, const fs::path& staging,
                                  const fs::path& result, const std::stop_token& stop) const {
    TITANS_TRY_VOID(link_or_copy(model, staging / ("model_local" + model.extension().string())));
    TITANS_TRY_VOID(link_or_copy(vocabulary, staging / kVocabulary));
    std::error_code failed;
    const std::uintmax_t bytes = fs::file_size(model, failed);
    const auto converted =
        convert_model(program_, kind, staging, staging / "result.gguf", failed ? 0 : bytes, stop);
    if (!converted) return std::unexpected(blame(converted.error()));
    TITANS_TRY_VOID(rename_file(staging / "result.gguf", result));
    return net::sync_path(folder_);
}

void LocalVoices::remove_if_unnamed(std::string_view file) const {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder_, ignored)) {
        if (entry.path().extension() == ".json" &&
            file_of(read_record(entry.path(), kMaxRecordBytes)) == file)
            return;
    }
    fs::remove(folder_ / file, ignored);
}

}  // namespace titans::models
