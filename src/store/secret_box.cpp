#include "store/secret_box.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <format>
#include <optional>
#include <vector>

#include "store/files/descriptor.h"

namespace titans::store {

namespace {

constexpr std::string_view kPrefix = "sealed:";
constexpr std::string_view kWhatFor = "titans api key 1";  // authenticated, not stored
constexpr std::size_t kLeastShared = 16;
constexpr std::size_t kNonce = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t kTag = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr int kBase64 = sodium_base64_VARIANT_URLSAFE_NO_PADDING;

using Key = std::array<unsigned char, crypto_aead_xchacha20poly1305_ietf_KEYBYTES>;

const unsigned char* bytes_of(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}

std::unexpected<Error> failure(std::string_view action) {
    return fail(ErrorKind::Internal, "the key file cannot be read or made",
                std::format("{}: {}", action, std::strerror(errno)));
}

/// Nothing if there is no such file.
Result<std::optional<Key>> read_key(const std::filesystem::path& path) {
    const Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    if (!file.valid() && errno == ENOENT) return std::nullopt;
    struct stat status{};
    if (!file.valid() || ::fstat(file.get(), &status) != 0) return failure("open");
    if (!S_ISREG(status.st_mode) || (status.st_mode & 0077) != 0) {
        return fail(ErrorKind::Internal,
                    "the key file can be read by others: its mode must be 0600");
    }
    Key key{};
    if (status.st_size != std::ssize(key) ||
        ::read(file.get(), key.data(), key.size()) != std::ssize(key)) {
        return fail(ErrorKind::Internal, "the key file is damaged",
                    std::format("{} bytes instead of {}", status.st_size, key.size()));
    }
    return key;
}

/// Makes the file, whole and on the disk, unless there is one by then.
Result<void> make_key(const std::filesystem::path& path) {
    Key key{};
    randombytes_buf(key.data(), key.size());
    std::string part = path.string() + ".XXXXXX";
    const Descriptor file(::mkostemp(part.data(), O_CLOEXEC));  // mode 0600
    if (!file.valid()) return failure("mkostemp");
    const auto place = [&]() -> Result<void> {
        if (::write(file.get(), key.data(), key.size()) != std::ssize(key)) return failure("write");
        if (::fsync(file.get()) != 0) return failure("fsync");
        // Unlike rename(), fails where another process was faster.
        if (::link(part.c_str(), path.c_str()) != 0 && errno != EEXIST) return failure("link");
        const Descriptor folder(
            ::open(path.parent_path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        if (!folder.valid() || ::fsync(folder.get()) != 0) return failure("fsync folder");
        return {};
    };
    Result<void> placed = place();
    ::unlink(part.c_str());
    return placed;
}

}  // namespace

Result<SecretBox> SecretBox::open(const std::filesystem::path& key_file, const Secret& shared) {
    if (sodium_init() < 0) return fail(ErrorKind::Internal, "libsodium cannot be used");
    if (!shared.empty()) {
        const std::string& secret = shared.reveal();
        if (secret.size() < kLeastShared) {
            return fail(ErrorKind::InvalidInput,
                        std::format("TITANS_SECRET_KEY must have at least {} bytes", kLeastShared));
        }
        Key key{};
        crypto_generichash(key.data(), key.size(), bytes_of(secret), secret.size(),
                           bytes_of(kWhatFor), kWhatFor.size());
        return SecretBox(key);
    }
    TITANS_TRY(std::optional<Key> key, read_key(key_file));
    if (!key) {
        TITANS_TRY_VOID(make_key(key_file));
        TITANS_TRY(key, read_key(key_file));
        if (!key) return fail(ErrorKind::Internal, "the key file is gone");
    }
    return SecretBox(*key);
}

std::string SecretBox::seal(const Secret& secret) const {
    const std::string& text = secret.reveal();
    std::vector<unsigned char> box(kNonce + text.size() + kTag);
    randombytes_buf(box.data(), kNonce);
    crypto_aead_xchacha20poly1305_ietf_encrypt(box.data() + kNonce, nullptr, bytes_of(text),
                                               text.size(), bytes_of(kWhatFor), kWhatFor.size(),
                                               nullptr, box.data(), key_.data());
    std::string base64(sodium_base64_encoded_len(box.size(), kBase64), '\0');
    sodium_bin2base64(base64.data(), base64.size(), box.data(), box.size(), kBase64);
    base64.pop_back();  // the terminating zero
    return std::string(kPrefix) + base64;
}

Result<Secret> SecretBox::unseal(std::string_view sealed) const {
    const auto refuse = [] {
        return fail(ErrorKind::Conflict,
                    "the stored key cannot be read: it was sealed with another key or changed");
    };
    if (!is_sealed(sealed)) return refuse();
    sealed.remove_prefix(kPrefix.size());
    std::vector<unsigned char> box(sealed.size() + 1);  // more than it needs, and never none
    std::size_t size = 0;
    const char* end = nullptr;
    if (sodium_base642bin(box.data(), box.size(), sealed.data(), sealed.size(), nullptr, &size,
                          &end, kBase64) != 0 ||
        end != sealed.data() + sealed.size() || size < kNonce + kTag) {
        return refuse();
    }
    std::string text(size - kNonce - kTag, '\0');
    if (crypto_aead_xchacha20poly1305_ietf_decrypt(
            reinterpret_cast<unsigned char*>(text.data()), nullptr, nullptr, box.data() + kNonce,
            size - kNonce, bytes_of(kWhatFor), kWhatFor.size(), box.data(), key_.data()) != 0) {
        return refuse();
    }
    return Secret(std::move(text));
}

}  // namespace titans::store
