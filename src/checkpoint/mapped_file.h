#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string_view>
#include <utility>

#include "foundation/error.h"

namespace titans::checkpoint {

/// A regular file, mapped read-only. Whoever truncates it meanwhile ends the process (SIGBUS): open
/// foreign files in a child.
class MappedFile {
public:
    /// Errors: NotFound; InvalidInput if it is not a regular file; Internal. The message names the
    /// file, not its folder.
    static Result<MappedFile> open(const std::filesystem::path& path);

    MappedFile(MappedFile&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}
    MappedFile& operator=(MappedFile&& other) noexcept {
        std::swap(bytes_, other.bytes_);
        return *this;
    }
    ~MappedFile();

    /// Stays where it is when the MappedFile is moved.
    std::span<const std::byte> bytes() const { return bytes_; }
    std::string_view text() const {
        return {reinterpret_cast<const char*>(bytes_.data()), bytes_.size()};
    }

private:
    explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

    std::span<const std::byte> bytes_;
};

}  // namespace titans::checkpoint
