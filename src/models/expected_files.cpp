#include "models/expected_files.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "foundation/log.h"
#include "models/disk.h"

namespace titans::models {
namespace {

using Json = nlohmann::json;

constexpr std::string_view kName = "catalogue.json";
constexpr std::uintmax_t kMaxBytes = 1 << 16;

}  // namespace

ExpectedFiles::ExpectedFiles(const std::filesystem::path& models_dir) {
    const auto read_model = [&](const std::string& model, const Json& files) {
        if (!files.is_object()) return false;
        for (const auto& [name, file] : files.items()) {
            const Json bytes = file.is_object() ? file.value("bytes", Json()) : Json();
            const Json hash = file.is_object() ? file.value("sha256", Json()) : Json();
            if (!bytes.is_number_unsigned() || !hash.is_string() ||
                hash.get_ref<const std::string&>().size() != 64)
                return false;
            OwnFile& own = own_[model][name] = {bytes.get<std::uint64_t>(), hash};
            std::ranges::transform(own.sha256, own.sha256.begin(), [](unsigned char c) {
                return static_cast<char>(std::tolower(c));
            });
        }
        return true;
    };
    const std::filesystem::path path = models_dir / kName;
    std::error_code absent;
    if (!std::filesystem::exists(path, absent)) return;
    const Json all = read_record(path, kMaxBytes);
    bool fits = all.is_object();
    if (fits) {
        for (const auto& [model, files] : all.items()) fits = fits && read_model(model, files);
    }
    if (fits) return;
    own_.clear();
    log::warn("models.own_files", "message=\"{} makes no sense and is not heeded\"", kName);
}

std::vector<ModelFile> ExpectedFiles::of(const CatalogueModel& model) const {
    std::vector<ModelFile> files(model.files.begin(), model.files.end());
    const auto own = own_.find(model.name);
    if (own == own_.end()) return files;
    for (ModelFile& file : files) {
        const auto found = own->second.find(file.name);
        if (found == own->second.end()) continue;
        file.bytes = found->second.bytes;
        file.sha256 = found->second.sha256;
        file.git_sha1 = {};
        file.parts = {};
        file.hub.revision = "main";
    }
    return files;
}

}  // namespace titans::models
