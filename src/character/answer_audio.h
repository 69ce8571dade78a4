#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>

#include "audio/audio.h"
#include "audio/writer.h"
#include "foundation/error.h"
#include "foundation/units.h"
#include "store/files/media_store.h"

namespace titans::character {

/// The recordings of answers: each belongs to its character, goes with it, and is kept only so long
/// and as far as there is room.
///
/// Thread-safe. Every call blocks on the disk: make it on an executor.
class AnswerAudio {
public:
    struct Limits {
        std::chrono::seconds age{};
        std::uint64_t bytes = 0;
    };

    AnswerAudio(const store::MediaStore& files, Limits limits) : files_(files), limits_(limits) {}

    /// Stores `audio` and returns its name. Errors: NotFound if the character was deleted;
    /// Internal.
    Result<std::string> write(const audio::Audio& audio, const audio::WriteOptions& options,
                              CharacterId owner);

    /// Errors: NotFound.
    Result<std::filesystem::path> path(std::string_view name) const { return files_.path(name); }

    /// Removes all of `owner`'s, and lets nothing more of it in.
    Result<void> forget(CharacterId owner) { return files_.remove_all_of(owner); }

    /// Once, at the start: removes what a process that ended left half written, and what it did not
    /// come to remove with its character. Errors: Internal.
    Result<void> sweep(const std::set<CharacterId>& characters) { return files_.sweep(characters); }

    /// Removes what is too old, and then the oldest of what is too much.
    void trim();

private:
    const store::MediaStore& files_;
    const Limits limits_;
    std::atomic<std::uint64_t> written_{0};  // bytes since the last trim()
};

}  // namespace titans::character
