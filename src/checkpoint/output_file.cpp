#include "checkpoint/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>

namespace titans::checkpoint {
namespace {

std::unexpected<Error> cannot(std::string_view what) {
    return fail(ErrorKind::Internal, std::format("the converted model cannot be {}", what),
                std::strerror(errno));
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::filesystem::path& path) {
    std::filesystem::path temporary = path;
    temporary += std::format(".{}.converting", getpid());
    std::FILE* const stream = std::fopen(temporary.c_str(), "wbe");
    if (stream == nullptr) return cannot("created");
    return OutputFile(path, std::move(temporary), stream);
}

OutputFile::~OutputFile() {
    if (stream_) (void)unlink(temporary_.c_str());
}

Result<void> OutputFile::commit() {
    if (std::ferror(stream_.get()) != 0 || std::fflush(stream_.get()) != 0 ||
        fsync(fileno(stream_.get())) != 0) {
        return cannot("written");
    }
    if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return cannot("named");
    stream_.reset();
    // The name lasts only when the folder has reached the disk too.
    const auto folder = path_.has_parent_path() ? path_.parent_path() : std::filesystem::path(".");
    const int handle = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (handle >= 0) {
        (void)fsync(handle);
        close(handle);
    }
    return {};
}

}  // namespace titans::checkpoint
