#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace titans::models {

enum class ModelTask : std::uint8_t { Mind, Ears, Embedder, SpeechDetector, Voice, Vocoder };

std::string_view to_string(ModelTask task);

/// A file in a repository of a model hub: <endpoint>/<repository>/resolve/<revision>/<file>.
struct HubFile {
    std::string_view repository;
    std::string_view revision;
    std::string_view file;
};

/// A file in the wheel of a Python package.
struct PackageMember {
    std::string_view package;
    std::string_view version;
    std::string_view member;
};

/// One file of a model: the same bytes, and so the same hash, whatever the source.
struct ModelFile {
    std::string_view name;  // in the model's folder, perhaps in a folder of its own there
    std::uint64_t bytes;
    std::string_view sha256;                    // empty: git_sha1 is known in its place
    HubFile hub;                                // empty: in the packages alone
    std::span<const PackageMember> parts = {};  // one after the other; none: on the hub alone
    std::string_view git_sha1 = {};             // git's name of the bytes as a blob

    constexpr std::string_view hash() const { return sha256.empty() ? git_sha1 : sha256; }
};

struct CatalogueModel {
    std::string_view name;
    ModelTask task;
    std::string_view family;  // with size, as people name models: "whisper", "base"
    std::string_view size;
    bool is_default;           // of its task, of which there is one; no voice is
    std::string_view licence;  // SPDX's name of it
    std::string_view description;
    std::span<const ModelFile> files;   // the weights first
    std::string_view conversion;        // KIND of `titans convert`; empty: loaded as it comes
    std::string_view result;            // the file that is loaded
    std::string_view licence_url = {};  // of one that must be accepted before the model is fetched
    std::string_view restriction = {};  // what that one forbids; empty: nothing to accept
    std::string_view hub_name = {};     // the repository of the hub that means this model too
    std::span<const std::string_view> needs = {};  // models that it is not loaded without
};

/// Every model that Titans fetches by name.
std::span<const CatalogueModel> catalogue();

/// By its name or the hub's. Null if there is none of that name.
const CatalogueModel* find_model(std::span<const CatalogueModel> models, std::string_view name);

/// The same of the catalogue.
const CatalogueModel* find_model(std::string_view name);

/// Null if there is none; an empty size is the family's first one, "large" and "turbo" are
/// Whisper's large-v3 and large-v3-turbo.
const CatalogueModel* find_model(ModelTask task, std::string_view family, std::string_view size);

/// Of a task that has one.
const CatalogueModel& default_of(ModelTask task);

/// The default of every task: what a fresh server fetches.
std::vector<const CatalogueModel*> default_models();

/// Bytes of all its files.
std::uint64_t download_bytes(const CatalogueModel& model);

}  // namespace titans::models
