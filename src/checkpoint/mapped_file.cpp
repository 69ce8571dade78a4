#include "checkpoint/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>

namespace titans::checkpoint {

Result<MappedFile> MappedFile::open(const std::filesystem::path& path) {
    const std::string name = path.filename().string();
    const auto cannot = [&](ErrorKind kind, std::string_view why) {
        return fail(kind, std::format("{}: {}", name, why), std::strerror(errno));
    };
    // Without O_NONBLOCK a pipe would be waited for.
    const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0) {
        const bool missing = errno == ENOENT || errno == ENOTDIR;
        return missing ? cannot(ErrorKind::NotFound, "is missing")
                       : cannot(ErrorKind::Internal, "cannot be opened");
    }
    struct stat status{};
    if (fstat(file, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(file);
        return cannot(ErrorKind::InvalidInput, "is not a regular file");
    }
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size == 0) {
        close(file);
        return MappedFile({});
    }
    void* const data = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
    const int mapping_error = errno;
    close(file);
    if (data == MAP_FAILED) {
        errno = mapping_error;
        return cannot(ErrorKind::Internal, "cannot be mapped");
    }
    return MappedFile({static_cast<const std::byte*>(data), size});
}

MappedFile::~MappedFile() {
    if (!bytes_.empty()) munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

}  // namespace titans::checkpoint
