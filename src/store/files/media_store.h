#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::store {

/// Files that last, in one folder, under random names: what a client calls a file never becomes a path.
///
/// Thread-safe. Every call blocks on the disk: make it on an executor.
class MediaStore {
public:
    /// Makes `folder` (for this user only) if it is missing. Errors: Internal.
    static Result<MediaStore> open(std::filesystem::path folder);

    /// Stores `bytes` and returns their name, such as "0123456789abcdef0123456789abcdef.wav", once they are on the disk
    /// whole. `extension`: one to five of [a-z0-9]. Errors: InvalidInput for another extension; Internal.
    Result<std::string> write(std::string_view bytes, std::string_view extension) const;

    /// Where the file `name` is. Errors: NotFound, also for what write() could not have returned.
    Result<std::filesystem::path> path(std::string_view name) const;
    /// Errors: NotFound; Internal.
    Result<std::string> read(std::string_view name) const;
    /// Without effect if there is no such file. Errors: NotFound for what write() could not have returned; Internal.
    Result<void> remove(std::string_view name) const;

    /// Removes files, whole or half written, that are not `in_use` and were last written more than `age` ago: what a
    /// crash between writing a file and recording it leaves behind. The number of files removed. Errors: Internal.
    Result<std::size_t> sweep(const std::vector<std::string>& in_use, std::chrono::seconds age) const;
    /// The same for a folder whose files are not recorded.
    Result<std::size_t> sweep_older_than(std::chrono::seconds age) const { return sweep({}, age); }

private:
    explicit MediaStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

    std::filesystem::path folder_;
};

}  // namespace titans::store
