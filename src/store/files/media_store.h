#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::store {

/// Files that last, in one folder, under random names: what a client calls a file never becomes a
/// path.
///
/// Thread-safe. Every call blocks on the disk: make it on an executor.
class MediaStore {
public:
    /// Makes `folder` (for this user only) if it is missing. Errors: Internal.
    static Result<MediaStore> open(std::filesystem::path folder);

    /// Stores `bytes` and returns their name, such as "0123456789abcdef0123456789abcdef.wav", once
    /// they are on the disk whole. `extension`: one to five of [a-z0-9]. Errors: InvalidInput for
    /// another extension; Internal.
    Result<std::string> write(std::span<const std::byte> bytes, std::string_view extension) const;

    /// Where the file `name` is. Errors: NotFound, also for what write() could not have returned.
    Result<std::filesystem::path> path(std::string_view name) const;
    /// Errors: NotFound; Internal.
    Result<std::vector<std::byte>> read(std::string_view name) const;
    /// Without effect if there is no such file. Errors: NotFound for what write() could not have
    /// returned; Internal.
    Result<void> remove(std::string_view name) const;

    /// Removes files, whole or half written, that are not `in_use` and were written before this
    /// store was opened: what a process that ended between writing a file and recording it left
    /// behind. Errors: Internal.
    Result<void> sweep(const std::vector<std::string>& in_use) const;
    /// Removes every file that was last written more than `age` ago, in a folder whose files are
    /// not recorded.
    Result<void> sweep_older_than(std::chrono::seconds age) const;

private:
    explicit MediaStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

    Result<void> sweep(const std::vector<std::string>& in_use,
                       std::chrono::system_clock::time_point newest) const;

    std::filesystem::path folder_;
    std::chrono::system_clock::time_point opened_ = std::chrono::system_clock::now();
};

}  // namespace titans::store
