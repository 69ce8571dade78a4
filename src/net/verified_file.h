#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "foundation/error.h"
#include "net/file_lock.h"

struct evp_md_ctx_st;

namespace titans::net {

/// The hash of what is added, in lower-case hexadecimal digits: 64, or 40 of SHA-1.
class Digest {
public:
    enum class Kind : std::uint8_t { Sha256, Sha1 };

    explicit Digest(Kind kind);
    void add(std::string_view bytes);
    /// Of all that was added; the next add() begins anew.
    std::string finish();

private:
    struct Deleter {
        void operator()(evp_md_ctx_st* context) const noexcept;
    };
    std::unique_ptr<evp_md_ctx_st, Deleter> context_;
};

class Sha256 : public Digest {
public:
    Sha256() : Digest(Kind::Sha256) {}
};

/// The SHA-256 of a file. Errors: Internal, Cancelled.
Result<std::string> sha256_of_file(const std::filesystem::path& file, const std::stop_token& stop);

/// Git's name of a file's bytes as a blob. Errors: Internal, Cancelled.
Result<std::string> git_sha1_of_file(const std::filesystem::path& file,
                                     const std::stop_token& stop);

/// A file whose size and hash are known before its bytes come.
///
/// They are written to `<file>.part`, which is locked against other writers and kept when this
/// object goes, so that the next one goes on where it ended. commit() gives the file its name.
class VerifiedFile {
public:
    struct Expected {
        std::uint64_t bytes;
        std::string sha256;         // empty: git_sha1 is checked
        std::string git_sha1 = {};  // git's name of the bytes as a blob
    };

    /// Waits for another writer of the same file, then reads what is already there.
    static Result<VerifiedFile> open(std::filesystem::path file, Expected expected,
                                     const std::stop_token& stop);

    /// True if the file is there, by another writer who was first.
    bool exists() const;
    /// Bytes that are there.
    std::uint64_t size() const { return size_; }
    /// Adds to the end. TooLarge beyond the expected size; Busy if the disk is full.
    Result<void> append(std::string_view bytes);
    /// Forgets all bytes.
    Result<void> restart();
    /// Checks size and hash, syncs, renames. Upstream, and the part is removed, if they differ.
    Result<void> commit();
    /// Removes the part.
    void discard();

private:
    VerifiedFile(std::filesystem::path file, Expected expected, FileDescriptor part);
    bool is_git_blob() const { return expected_.sha256.empty(); }
    void begin_hash();
    std::filesystem::path part_path() const { return file_.string() + ".part"; }

    std::filesystem::path file_;
    Expected expected_;
    FileDescriptor part_;
    std::uint64_t size_ = 0;
    Digest hash_;
};

/// Makes a finished file, or a folder's list of names, last through a power cut.
Result<void> sync_path(const std::filesystem::path& path);

}  // namespace titans::net
