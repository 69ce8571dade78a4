#include "net/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace titans::net {
namespace {

constexpr std::chrono::milliseconds kRetry{50};

Result<FileDescriptor> open_path(const std::filesystem::path& path, LockedKind kind) {
    if (kind == LockedKind::Folder) {
        if (mkdir(path.c_str(), 0777) != 0 && errno != EEXIST)
            return fail(ErrorKind::Internal, "a folder could not be made",
                        path.string() + ": " + std::strerror(errno));
    }
    const int flags = kind == LockedKind::Folder ? O_RDONLY | O_DIRECTORY : O_RDWR | O_CREAT;
    FileDescriptor file(open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW, 0666));
    if (file.get() < 0 && errno != ENOENT)
        return fail(ErrorKind::Internal, "a file could not be made",
                    path.string() + ": " + std::strerror(errno));
    return file;
}

}  // namespace

FileDescriptor::~FileDescriptor() {
    if (value_ >= 0) close(value_);
}

Result<FileDescriptor> lock_path(const std::filesystem::path& path, LockedKind kind,
                                 const std::stop_token& stop) {
    while (!stop.stop_requested()) {
        TITANS_TRY(FileDescriptor file, open_path(path, kind));
        // A folder may vanish between its making and its opening.
        if (file.get() < 0) continue;
        if (flock(file.get(), LOCK_EX | LOCK_NB) == 0) {
            struct stat held{};
            struct stat named{};
            if (fstat(file.get(), &held) == 0 && stat(path.c_str(), &named) == 0 &&
                held.st_ino == named.st_ino && held.st_dev == named.st_dev)
                return file;
        } else if (errno != EWOULDBLOCK && errno != EINTR) {
            return fail(ErrorKind::Internal, "a file could not be locked",
                        path.string() + ": " + std::strerror(errno));
        } else {
            std::this_thread::sleep_for(kRetry);
        }
    }
    return fail(ErrorKind::Cancelled, "cancelled while another process held a file");
}

}  // namespace titans::net
