#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "foundation/error.h"
#include "foundation/secret.h"

namespace titans::store {

/// Keeps the keys that people give their characters unreadable in the database: authenticated
/// encryption (libsodium's XChaCha20-Poly1305) with a key that is not in it.
///
/// Immutable once opened, and so thread-safe.
class SecretBox {
public:
    /// With the key in `key_file` (32 random bytes, mode 0600), made if it is missing; or, if
    /// `shared` is not empty (TITANS_SECRET_KEY), with one derived from that, so that two servers
    /// can share a database. Blocks. Errors: InvalidInput for a `shared` of less than 16 bytes;
    /// Internal, also for a key file of another size or that others may read.
    static Result<SecretBox> open(const std::filesystem::path& key_file, const Secret& shared);

    /// ASCII that begins with "sealed:"; another each time, even for the same secret.
    std::string seal(const Secret& secret) const;
    /// Errors: Conflict if it was sealed with another key or changed.
    Result<Secret> unseal(std::string_view sealed) const;

    /// True for what seal() returned, by its beginning.
    static bool is_sealed(std::string_view text) { return text.starts_with("sealed:"); }

private:
    using Key = std::array<unsigned char, 32>;
    explicit SecretBox(const Key& key) : key_(key) {}

    Key key_;
};

}  // namespace titans::store
