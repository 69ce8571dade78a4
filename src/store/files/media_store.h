#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::store {

/// Files that last, in one folder, under random names: what a client calls a file never becomes a
/// path.
///
/// Thread-safe. Every call blocks on the disk: make it on an executor. A file that is removed while
/// it is being sent is sent to its end.
class MediaStore {
public:
    /// Makes `folder` (for this user only) if it is missing. Errors: Internal.
    static Result<MediaStore> open(std::filesystem::path folder);

    /// Stores `bytes` and returns their name, such as "0123456789abcdef0123456789abcdef.wav", once
    /// they are on the disk whole; nothing is left of them if that fails. `extension`: one to five
    /// of [a-z0-9]. Errors: InvalidInput for another extension; Internal.
    Result<std::string> write(std::span<const std::byte> bytes, std::string_view extension) const;
    /// The same for a character, whose id is then the beginning of the name:
    /// "7-0123456789abcdef0123456789abcdef.wav". Errors: NotFound after remove_all_of(owner), too.
    Result<std::string> write(std::span<const std::byte> bytes, std::string_view extension,
                              CharacterId owner) const;

    /// Stores `bytes` for a character in place of what was last kept for it under `key`, and returns
    /// name_of() that. Errors: as write() for a character.
    Result<std::string> keep(std::span<const std::byte> bytes, std::string_view extension,
                             CharacterId owner, std::string_view key) const;
    static std::string name_of(CharacterId owner, std::string_view key, std::string_view extension);

    /// Where the file `name` is. Errors: NotFound, also for what write() could not have returned.
    Result<std::filesystem::path> path(std::string_view name) const;
    /// Errors: NotFound; Internal.
    Result<std::vector<std::byte>> read(std::string_view name) const;
    /// Without effect if there is no such file. Errors: NotFound for what write() could not have
    /// returned; Internal.
    Result<void> remove(std::string_view name) const;
    /// Removes what was written for `owner`; from now on nothing is. Errors: Internal.
    Result<void> remove_all_of(CharacterId owner) const;

    /// Removes files, whole or half written, that are not `in_use` and were there when this store
    /// was opened, or were written more than an hour ago: what a process that ended between writing
    /// a file and recording it left behind, or a change of which nobody knew whether it happened.
    /// Errors: Internal.
    Result<void> sweep(const std::vector<std::string>& in_use) const;
    /// The same for files that characters own: those that are half written, or whose owner is not
    /// one of `owners`. Errors: Internal.
    Result<void> sweep(const std::set<CharacterId>& owners) const;
    /// Removes every file that was last written more than `age` ago, then the oldest until the rest
    /// have at most `bytes` together: in a folder whose files are not recorded. Errors: Internal.
    Result<void> trim(std::chrono::seconds age, std::uint64_t bytes) const;

private:
    /// Writing for an owner and removing all that it has exclude each other.
    struct Owners {
        std::mutex mutex;            // guards gone
        std::set<CharacterId> gone;  // ids are never used again
    };

    explicit MediaStore(std::filesystem::path folder) : folder_(std::move(folder)) {}

    Result<void> sweep_unless(const std::function<bool(std::string_view name)>& in_use) const;

    /// Under `name`; `owner` 0: nobody.
    Result<std::string> write_as(std::string name, std::span<const std::byte> bytes,
                                 std::string_view extension, CharacterId owner) const;
    /// Gives the part that is written whole its name.
    Result<void> place(const std::string& part, const std::string& name, CharacterId owner) const;

    std::filesystem::path folder_;
    std::unique_ptr<Owners> owners_ = std::make_unique<Owners>();
    std::set<std::string, std::less<>> found_;  // when it was opened
};

}  // namespace titans::store
