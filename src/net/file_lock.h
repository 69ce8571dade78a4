#pragma once

#include <cstdint>
#include <filesystem>
#include <stop_token>
#include <utility>

#include "foundation/error.h"

namespace titans::net {

/// Closes a file descriptor.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int value) : value_(value) {}
    FileDescriptor(FileDescriptor&& other) noexcept : value_(std::exchange(other.value_, -1)) {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(value_, other.value_);
        return *this;
    }
    ~FileDescriptor();
    int get() const { return value_; }

private:
    int value_ = -1;
};

enum class LockedKind : std::uint8_t { File, Folder };

/// Makes `path` if it is not there, and holds it alone, among processes and threads, until the
/// descriptor closes. Waits for who holds it; whoever holds it may rename or remove it, and the
/// next one then gets a new one. Errors: Cancelled, Internal.
Result<FileDescriptor> lock_path(const std::filesystem::path& path, LockedKind kind,
                                 const std::stop_token& stop);

}  // namespace titans::net
