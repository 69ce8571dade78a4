#include "store/files/media_store.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <format>
#include <set>
#include <system_error>

#include "foundation/log.h"
#include "store/files/descriptor.h"

namespace titans::store {

namespace {

constexpr std::size_t kNameDigits = 32;
constexpr std::string_view kPart = ".part";

std::unexpected<Error> failure(std::string_view action) {
    return fail(ErrorKind::Internal, "a file cannot be stored or read",
                std::format("{}: {}", action, std::strerror(errno)));
}

bool is_extension(std::string_view text) {
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
}

bool is_name(std::string_view name) {
    if (name.size() < kNameDigits + 2 || name[kNameDigits] != '.') return false;
    const bool digits = std::ranges::all_of(name.substr(0, kNameDigits), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    return digits && is_extension(name.substr(kNameDigits + 1));
}

bool is_ours(std::string_view name) {
    return is_name(name.ends_with(kPart) ? name.substr(0, name.size() - kPart.size()) : name);
}

Result<std::string> random_name(std::string_view extension) {
    std::array<std::uint8_t, kNameDigits / 2> bytes{};
    if (::getentropy(bytes.data(), bytes.size()) != 0) return failure("getentropy");
    std::string name;
    for (const std::uint8_t byte : bytes) std::format_to(std::back_inserter(name), "{:02x}", byte);
    name += '.';
    name += extension;
    return name;
}

Result<void> write_all(int descriptor, std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
        const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return failure("write");
        bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
    return {};
}

Result<void> sync_folder(const std::filesystem::path& folder) {
    const Descriptor descriptor(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.valid()) return failure("open folder");
    if (::fsync(descriptor.get()) != 0) return failure("fsync folder");
    return {};
}

}  // namespace

Result<MediaStore> MediaStore::open(std::filesystem::path folder) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (!error) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, error);
    if (error)
        return fail(ErrorKind::Internal, "the folder of files cannot be made", error.message());
    return MediaStore(std::move(folder));
}

Result<std::string> MediaStore::write(std::span<const std::byte> bytes,
                                      std::string_view extension) const {
    if (!is_extension(extension))
        return fail(ErrorKind::InvalidInput, "the file's extension is not one to store");
    TITANS_TRY(std::string name, random_name(extension));
    const std::filesystem::path whole = folder_ / name;
    const std::filesystem::path part = folder_ / (name + std::string(kPart));
    const auto write_part = [&]() -> Result<void> {
        const Descriptor file(
            ::open(part.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file.valid()) return failure("open");
        TITANS_TRY_VOID(write_all(file.get(), bytes));
        if (::fsync(file.get()) != 0) return failure("fsync");
        return {};
    };
    Result<void> written = write_part();
    if (written && ::rename(part.c_str(), whole.c_str()) != 0) written = failure("rename");
    if (!written) {
        ::unlink(part.c_str());
        return std::unexpected(std::move(written).error());
    }
    TITANS_TRY_VOID(sync_folder(folder_));
    return name;
}

Result<std::filesystem::path> MediaStore::path(std::string_view name) const {
    if (is_name(name)) {
        std::filesystem::path path = folder_ / name;
        struct stat status{};
        if (::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode)) return path;
    }
    return fail(ErrorKind::NotFound, "there is no such file");
}

Result<std::vector<std::byte>> MediaStore::read(std::string_view name) const {
    TITANS_TRY(const std::filesystem::path file_path, path(name));
    const Descriptor file(::open(file_path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid() && errno == ENOENT) return fail(ErrorKind::NotFound, "there is no such file");
    struct stat status{};
    if (!file.valid() || ::fstat(file.get(), &status) != 0) return failure("open");
    std::vector<std::byte> bytes(static_cast<std::size_t>(status.st_size));
    std::size_t size = 0;
    while (size < bytes.size()) {
        const ssize_t got = ::read(file.get(), bytes.data() + size, bytes.size() - size);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return failure("read");
        if (got == 0) break;
        size += static_cast<std::size_t>(got);
    }
    bytes.resize(size);
    return bytes;
}

Result<void> MediaStore::remove(std::string_view name) const {
    if (!is_name(name)) return fail(ErrorKind::NotFound, "there is no such file");
    if (::unlink((folder_ / name).c_str()) != 0 && errno != ENOENT) return failure("unlink");
    return {};
}

Result<void> MediaStore::sweep(const std::vector<std::string>& in_use) const {
    // The clock that files are stamped with is behind by up to a tick.
    return sweep(in_use, opened_ - std::chrono::milliseconds(100));
}

Result<void> MediaStore::sweep_older_than(std::chrono::seconds age) const {
    return sweep({}, std::chrono::system_clock::now() - age);
}

Result<void> MediaStore::sweep(const std::vector<std::string>& in_use,
                               std::chrono::system_clock::time_point newest) const {
    const std::set<std::string_view> used(in_use.begin(), in_use.end());
    std::size_t removed = 0;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder_, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        if (!is_ours(name) || used.contains(name)) continue;
        struct stat status{};
        if (::lstat(entry->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
        const auto written = std::chrono::seconds(status.st_mtim.tv_sec) +
                             std::chrono::nanoseconds(status.st_mtim.tv_nsec);
        if (written > newest.time_since_epoch()) continue;
        if (::unlink(entry->path().c_str()) == 0) ++removed;
    }
    if (error)
        return fail(ErrorKind::Internal, "the folder of files cannot be read", error.message());
    if (removed > 0) log::info("files.swept", "count={}", removed);
    return {};
}

}  // namespace titans::store
