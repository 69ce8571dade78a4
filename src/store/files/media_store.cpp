#include "store/files/media_store.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstring>
#include <format>
#include <functional>
#include <set>
#include <system_error>

#include "foundation/log.h"
#include "store/files/descriptor.h"

namespace titans::store {

namespace {

constexpr std::size_t kNameDigits = 32;
constexpr std::size_t kMostOwnerDigits = 19;
constexpr std::string_view kPart = ".part";
// From writing a file to recording it: much more than that takes.
constexpr std::chrono::hours kLongestChange{1};

std::unexpected<Error> failure(std::string_view action) {
    const bool full = errno == ENOSPC || errno == EDQUOT;
    return fail(ErrorKind::Internal,
                full ? "the server's disk is full" : "a file cannot be stored or read",
                std::format("{}: {}", action, std::strerror(errno)));
}

bool is_extension(std::string_view text) {
    return !text.empty() && text.size() <= 5 && std::ranges::all_of(text, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    });
}

/// "7-" of a character's file.
std::string prefix_of(CharacterId owner) { return std::format("{}-", owner.value); }

std::string_view without_owner(std::string_view name) {
    const std::size_t dash = name.find('-');
    if (dash == std::string_view::npos || dash == 0 || dash > kMostOwnerDigits) return name;
    const bool digits =
        std::ranges::all_of(name.substr(0, dash), [](char c) { return c >= '0' && c <= '9'; });
    return digits && name.front() != '0' ? name.substr(dash + 1) : name;
}

/// Of a name that is_name(); 0 if it is nobody's.
CharacterId owner_of(std::string_view name) {
    CharacterId owner{0};
    const std::size_t digits = name.size() - without_owner(name).size();
    std::from_chars(name.data(), name.data() + digits, owner.value);
    return owner;
}

bool is_name(std::string_view name) {
    name = without_owner(name);
    if (name.size() < kNameDigits + 2 || name[kNameDigits] != '.') return false;
    const bool digits = std::ranges::all_of(name.substr(0, kNameDigits), [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    });
    return digits && is_extension(name.substr(kNameDigits + 1));
}

bool is_part(std::string_view name) {
    return name.ends_with(kPart) && is_name(name.substr(0, name.size() - kPart.size()));
}

struct File {
    std::filesystem::path path;
    std::string name;
    std::chrono::system_clock::time_point written;
    std::uint64_t bytes = 0;
};

/// The files of a MediaStore, whole or half written.
Result<std::vector<File>> list(const std::filesystem::path& folder) {
    std::vector<File> files;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
         entry.increment(error)) {
        const std::string name = entry->path().filename().string();
        struct stat status{};
        if ((!is_name(name) && !is_part(name)) || ::lstat(entry->path().c_str(), &status) != 0 ||
            !S_ISREG(status.st_mode)) {
            continue;
        }
        const auto written = std::chrono::seconds(status.st_mtim.tv_sec) +
                             std::chrono::nanoseconds(status.st_mtim.tv_nsec);
        files.push_back({.path = entry->path(),
                         .name = name,
                         .written = std::chrono::system_clock::time_point(written),
                         .bytes = static_cast<std::uint64_t>(status.st_size)});
    }
    if (error)
        return fail(ErrorKind::Internal, "the folder of files cannot be read", error.message());
    return files;
}

using NameBytes = std::array<std::uint8_t, kNameDigits / 2>;

std::string make_name(std::string prefix, const NameBytes& bytes, std::string_view extension) {
    std::string name = std::move(prefix);
    for (const std::uint8_t byte : bytes) std::format_to(std::back_inserter(name), "{:02x}", byte);
    name += '.';
    name += extension;
    return name;
}

Result<std::string> random_name(std::string prefix, std::string_view extension) {
    NameBytes bytes{};
    if (::getentropy(bytes.data(), bytes.size()) != 0) return failure("getentropy");
    return make_name(std::move(prefix), bytes, extension);
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
    TITANS_TRY(const std::vector<File> files, list(folder));
    MediaStore store(std::move(folder));
    for (const File& file : files) store.found_.insert(file.name);
    return store;
}

Result<std::string> MediaStore::write(std::span<const std::byte> bytes,
                                      std::string_view extension) const {
    TITANS_TRY(std::string name, random_name("", extension));
    return write_as(std::move(name), bytes, extension, {0});
}

Result<std::string> MediaStore::write(std::span<const std::byte> bytes, std::string_view extension,
                                      CharacterId owner) const {
    assert(owner.value > 0);
    TITANS_TRY(std::string name, random_name(prefix_of(owner), extension));
    return write_as(std::move(name), bytes, extension, owner);
}

std::string MediaStore::name_of(CharacterId owner, std::string_view key,
                                std::string_view extension) {
    NameBytes hash{};
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(key.data()),
                       key.size(), nullptr, 0);
    return make_name(prefix_of(owner), hash, extension);
}

Result<std::string> MediaStore::keep(std::span<const std::byte> bytes, std::string_view extension,
                                     CharacterId owner, std::string_view key) const {
    assert(owner.value > 0);
    return write_as(name_of(owner, key, extension), bytes, extension, owner);
}

Result<std::string> MediaStore::write_as(std::string name, std::span<const std::byte> bytes,
                                         std::string_view extension, CharacterId owner) const {
    if (!is_extension(extension))
        return fail(ErrorKind::InvalidInput, "the file's extension is not one to store");
    // Two may keep the same at once: each writes a part of its own.
    TITANS_TRY(std::string part, random_name("", extension));
    part += kPart;
    const auto write_part = [&]() -> Result<void> {
        const Descriptor file(::open((folder_ / part).c_str(),
                                     O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
        if (!file.valid()) return failure("open");
        TITANS_TRY_VOID(write_all(file.get(), bytes));
        if (::fsync(file.get()) != 0) return failure("fsync");
        return {};
    };
    Result<void> written = write_part();
    if (written) written = place(part, name, owner);
    if (!written) {
        ::unlink((folder_ / part).c_str());
        return std::unexpected(std::move(written).error());
    }
    TITANS_TRY_VOID(sync_folder(folder_));
    return name;
}

Result<void> MediaStore::place(const std::string& part, const std::string& name,
                               CharacterId owner) const {
    const std::lock_guard lock(owners_->mutex);
    if (owners_->gone.contains(owner))
        return fail(ErrorKind::NotFound, std::format("there is no character {}", owner.value));
    if (::rename((folder_ / part).c_str(), (folder_ / name).c_str()) != 0) return failure("rename");
    return {};
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

Result<void> MediaStore::remove_all_of(CharacterId owner) const {
    const std::lock_guard lock(owners_->mutex);
    owners_->gone.insert(owner);
    TITANS_TRY(const std::vector<File> files, list(folder_));
    const std::string prefix = prefix_of(owner);
    for (const File& file : files) {
        // A part that is being written does not become a file any more.
        if (file.name.starts_with(prefix) && ::unlink(file.path.c_str()) != 0 && errno != ENOENT)
            return failure("unlink");
    }
    return {};
}

Result<void> MediaStore::sweep(const std::vector<std::string>& in_use) const {
    const std::set<std::string_view> used(in_use.begin(), in_use.end());
    return sweep_unless([&used](std::string_view name) { return used.contains(name); });
}

Result<void> MediaStore::sweep(const std::set<CharacterId>& owners) const {
    return sweep_unless([&owners](std::string_view name) {
        return !is_part(name) && owners.contains(owner_of(name));
    });
}

Result<void> MediaStore::sweep_unless(
    const std::function<bool(std::string_view name)>& in_use) const {
    TITANS_TRY(const std::vector<File> files, list(folder_));
    const auto recent = std::chrono::system_clock::now() - kLongestChange;
    std::size_t removed = 0;
    for (const File& file : files) {
        const bool young = !found_.contains(file.name) && file.written > recent;
        if (young || in_use(file.name)) continue;
        if (::unlink(file.path.c_str()) == 0) ++removed;
    }
    if (removed > 0) log::info("files.swept", "count={}", removed);
    return {};
}

Result<void> MediaStore::trim(std::chrono::seconds age, std::uint64_t bytes) const {
    TITANS_TRY(std::vector<File> files, list(folder_));
    // A part that this process writes is nobody's to remove.
    std::erase_if(files, [this](const File& file) {
        return is_part(file.name) && !found_.contains(file.name);
    });
    std::ranges::sort(files, std::greater<>(), &File::written);
    const auto oldest = std::chrono::system_clock::now() - age;
    std::uint64_t kept = 0;
    std::size_t removed = 0;
    for (const File& file : files) {
        kept += file.bytes;
        if (file.written >= oldest && kept <= bytes) continue;
        if (::unlink(file.path.c_str()) == 0) ++removed;
    }
    if (removed > 0) log::info("files.trimmed", "count={}", removed);
    return {};
}

}  // namespace titans::store
