#pragma once

#include <zip.h>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace titans::models {

/// Writes a ZIP archive, for tests.
inline void write_archive(const std::filesystem::path& file,
                          const std::vector<std::pair<std::string, std::string>>& members) {
    zip_t* archive = zip_open(file.c_str(), ZIP_CREATE | ZIP_TRUNCATE, nullptr);
    for (const auto& [name, content] : members) {
        zip_source_t* source = zip_source_buffer(archive, content.data(), content.size(), 0);
        if (zip_file_add(archive, name.c_str(), source, ZIP_FL_OVERWRITE) < 0)
            throw std::runtime_error("no archive");
    }
    if (zip_close(archive) != 0) throw std::runtime_error("no archive");
}

}  // namespace titans::models
