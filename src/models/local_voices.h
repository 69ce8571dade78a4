#pragma once

#include <filesystem>
#include <nlohmann/json_fwd.hpp>
#include <stop_token>
#include <string_view>

#include "foundation/error.h"

namespace titans::models {

/// What the networks of clients' own voices are loaded from, made of the files in the models'
/// folder. Thread-safe, and safe beside other processes with the same folder.
///
/// <models_dir>/.converted/ holds the converted files, named by what they are made of, and for each
/// pair of sources a record of their sizes and times, by which they are known again.
class LocalVoices {
public:
    /// `program` is `titans`, whose word `convert` converts.
    LocalVoices(const std::filesystem::path& models_dir, std::filesystem::path program)
        : folder_(models_dir / ".converted"), program_(std::move(program)) {}

    /// The file to load for the checkpoint `model` with the tokens of `vocabulary`, both existing
    /// files; `kind` is that of `titans convert`. Reads and converts what is new or has changed,
    /// for seconds. Errors: InvalidInput, naming `voice_cloning_settings.model_path` or
    /// `vocab_path`, if the two are not such a network; Cancelled; Busy if the disk is full;
    /// Internal.
    Result<std::filesystem::path> get(const std::filesystem::path& model,
                                      const std::filesystem::path& vocabulary,
                                      std::string_view kind, const std::stop_token& stop) const;

private:
    /// Under the lock of `key`, the path that what belongs to these sources begins with: the file,
    /// and the record that names it.
    Result<std::filesystem::path> make(const std::filesystem::path& model,
                                       const std::filesystem::path& vocabulary,
                                       std::string_view kind, const std::filesystem::path& key,
                                       nlohmann::json record, const std::stop_token& stop) const;
    Result<void> convert(const std::filesystem::path& model,
                         const std::filesystem::path& vocabulary, std::string_view kind,
                         const std::filesystem::path& staging, const std::filesystem::path& result,
                         const std::stop_token& stop) const;
    /// Removes a converted file that no record names any more.
    void remove_if_unnamed(std::string_view file) const;

    const std::filesystem::path folder_;
    const std::filesystem::path program_;
};

}  // namespace titans::models
