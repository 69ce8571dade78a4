#include "models/leftovers.h"

#include <fcntl.h>
#include <sys/file.h>

#include <chrono>
#include <string>

#include "net/file_lock.h"

namespace titans::models {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::days kDownloadKept{7};
constexpr std::chrono::days kConvertingKept{1};

bool is_older_than(const fs::path& file, std::chrono::seconds age) {
    std::error_code failed;
    const auto written = fs::last_write_time(file, failed);
    return !failed && fs::file_time_type::clock::now() - written > age;
}

/// Whoever works in the folder holds its lock.
void remove_if_free(const fs::path& folder) {
    const net::FileDescriptor held(
        open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    std::error_code ignored;
    if (held.get() >= 0 && flock(held.get(), LOCK_EX | LOCK_NB) == 0)
        fs::remove_all(folder, ignored);
}

bool has_new_file(const fs::path& folder) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (!is_older_than(entry.path(), kDownloadKept)) return true;
    }
    return false;
}

void sweep_converting(const fs::path& folder) {
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(folder, ignored)) {
        if (entry.path().extension() == ".converting" && entry.is_regular_file(ignored) &&
            is_older_than(entry.path(), kConvertingKept))
            fs::remove(entry.path(), ignored);
    }
}

}  // namespace

void sweep_leftovers(const fs::path& models_dir) {
    sweep_converting(models_dir);
    std::error_code ignored;
    for (const auto& entry : fs::directory_iterator(models_dir, ignored)) {
        if (entry.is_symlink(ignored) || !entry.is_directory(ignored)) continue;
        const std::string name = entry.path().filename().string();
        if (!name.starts_with('.')) {
            sweep_converting(entry.path());
        } else if (name.ends_with(".part") ||
                   (name.ends_with(".download") && is_older_than(entry.path(), kDownloadKept) &&
                    !has_new_file(entry.path()))) {
            remove_if_free(entry.path());
        }
    }
}

}  // namespace titans::models
