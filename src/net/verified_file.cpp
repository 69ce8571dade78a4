#include "net/verified_file.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <format>
#include <new>
#include <span>
#include <vector>

namespace titans::net {
namespace {

/// What git hashes before a file's bytes.
std::string blob_header(std::uintmax_t bytes) { return std::format("blob {}", bytes) + '\0'; }

constexpr std::size_t kBlock = std::size_t{1} << 18;

std::unexpected<Error> file_error(std::string message, const std::filesystem::path& path) {
    if (errno == ENOSPC || errno == EDQUOT)
        return fail(ErrorKind::Busy, "not enough disk space", path.string());
    return fail(ErrorKind::Internal, std::move(message),
                path.string() + ": " + std::strerror(errno));
}

/// Adds all of an open file, from where it stands, to `hash`. Returns how many bytes.
Result<std::uint64_t> add_file(int file, Digest& hash, const std::filesystem::path& path,
                               const std::stop_token& stop) {
    std::vector<char> block(kBlock);
    std::uint64_t size = 0;
    while (true) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "reading was cancelled");
        const ssize_t count = read(file, block.data(), block.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return file_error("a file could not be read", path);
        if (count == 0) return size;
        hash.add({block.data(), static_cast<std::size_t>(count)});
        size += static_cast<std::uint64_t>(count);
    }
}

}  // namespace

void Digest::Deleter::operator()(evp_md_ctx_st* context) const noexcept {
    EVP_MD_CTX_free(context);
}

Digest::Digest(Kind kind) : context_(EVP_MD_CTX_new()) {
    if (!context_ ||
        EVP_DigestInit_ex(context_.get(), kind == Kind::Sha1 ? EVP_sha1() : EVP_sha256(),
                          nullptr) != 1)
        throw std::bad_alloc();
}

void Digest::add(std::string_view bytes) {
    EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size());
}

std::string Digest::finish() {
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context_.get(), digest.data(), &size);
    EVP_DigestInit_ex(context_.get(), nullptr, nullptr);
    std::string text;
    for (const unsigned char byte : std::span(digest).first(size))
        text += std::format("{:02x}", byte);
    return text;
}

Result<std::string> sha256_of_file(const std::filesystem::path& file, const std::stop_token& stop) {
    const FileDescriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (opened.get() < 0) return file_error("a file could not be read", file);
    Sha256 hash;
    TITANS_TRY([[maybe_unused]] const auto size, add_file(opened.get(), hash, file, stop));
    return hash.finish();
}

Result<std::string> git_sha1_of_file(const std::filesystem::path& file,
                                     const std::stop_token& stop) {
    std::error_code failed;
    const std::uintmax_t bytes = std::filesystem::file_size(file, failed);
    const FileDescriptor opened(open(file.c_str(), O_RDONLY | O_CLOEXEC));
    if (failed || opened.get() < 0) return file_error("a file could not be read", file);
    Digest hash(Digest::Kind::Sha1);
    hash.add(blob_header(bytes));
    TITANS_TRY([[maybe_unused]] const auto size, add_file(opened.get(), hash, file, stop));
    return hash.finish();
}

VerifiedFile::VerifiedFile(std::filesystem::path file, Expected expected, FileDescriptor part)
    : file_(std::move(file)),
      expected_(std::move(expected)),
      part_(std::move(part)),
      hash_(is_git_blob() ? Digest::Kind::Sha1 : Digest::Kind::Sha256) {}

void VerifiedFile::begin_hash() {
    if (is_git_blob()) hash_.add(blob_header(expected_.bytes));
}

Result<VerifiedFile> VerifiedFile::open(std::filesystem::path file, Expected expected,
                                        const std::stop_token& stop) {
    TITANS_TRY(FileDescriptor part, lock_path(file.string() + ".part", LockedKind::File, stop));
    VerifiedFile opened(std::move(file), std::move(expected), std::move(part));
    opened.begin_hash();
    TITANS_TRY(opened.size_, add_file(opened.part_.get(), opened.hash_, opened.part_path(), stop));
    if (opened.size_ > opened.expected_.bytes) TITANS_TRY_VOID(opened.restart());
    return opened;
}

bool VerifiedFile::exists() const {
    std::error_code ignored;
    return std::filesystem::file_size(file_, ignored) == expected_.bytes && !ignored;
}

Result<void> VerifiedFile::append(std::string_view bytes) {
    if (bytes.size() > expected_.bytes - size_)
        return fail(ErrorKind::TooLarge, "a file is larger than it should be");
    while (!bytes.empty()) {
        const ssize_t count = write(part_.get(), bytes.data(), bytes.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return file_error("a file could not be written", part_path());
        hash_.add(bytes.substr(0, static_cast<std::size_t>(count)));
        size_ += static_cast<std::uint64_t>(count);
        bytes.remove_prefix(static_cast<std::size_t>(count));
    }
    return {};
}

Result<void> VerifiedFile::restart() {
    if (ftruncate(part_.get(), 0) != 0 || lseek(part_.get(), 0, SEEK_SET) != 0)
        return file_error("a file could not be written", part_path());
    size_ = 0;
    hash_.finish();
    begin_hash();
    return {};
}

Result<void> VerifiedFile::commit() {
    if (size_ != expected_.bytes) {
        discard();
        return fail(ErrorKind::Upstream, "a file has not the size that it should have",
                    std::format("{}: {} bytes, not {}", file_.string(), size_, expected_.bytes));
    }
    const std::string& right = is_git_blob() ? expected_.git_sha1 : expected_.sha256;
    if (const std::string hash = hash_.finish(); hash != right) {
        discard();
        return fail(ErrorKind::Upstream,
                    std::format("a file has not the {} that it should have",
                                is_git_blob() ? "SHA-1" : "SHA-256"),
                    std::format("{}: {}, not {}", file_.string(), hash, right));
    }
    if (fsync(part_.get()) != 0) return file_error("a file could not be written", part_path());
    std::error_code failed;
    std::filesystem::rename(part_path(), file_, failed);
    if (failed)
        return fail(ErrorKind::Internal, "a file could not be renamed",
                    part_path().string() + ": " + failed.message());
    return sync_path(file_.parent_path());
}

void VerifiedFile::discard() {
    std::error_code ignored;
    std::filesystem::remove(part_path(), ignored);
}

Result<void> sync_path(const std::filesystem::path& path) {
    const FileDescriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (file.get() < 0 || fsync(file.get()) != 0)
        return file_error("a file could not be written", path);
    return {};
}

}  // namespace titans::net
