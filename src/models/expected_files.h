#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "models/catalogue.h"

namespace titans::models {

/// Which bytes are expected of the catalogue's models. A person may put `catalogue.json` into the
/// models' folder, {"MODEL": {"FILE": {"bytes": 461, "sha256": "..."}}}: those count in place of
/// the catalogue's, and come from the hub as it is now.
class ExpectedFiles {
public:
    /// Of a file that makes no sense nothing is heeded, and that is logged.
    explicit ExpectedFiles(const std::filesystem::path& models_dir);

    /// The files of `model`; valid as long as this.
    std::vector<ModelFile> of(const CatalogueModel& model) const;

private:
    struct OwnFile {
        std::uint64_t bytes;
        std::string sha256;
    };
    std::map<std::string, std::map<std::string, OwnFile, std::less<>>, std::less<>> own_;
};

}  // namespace titans::models
