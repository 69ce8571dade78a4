#include "checkpoint/source_hash.h"

#include <openssl/evp.h>

#include <array>
#include <format>
#include <memory>
#include <new>

namespace titans::checkpoint {
namespace {

struct ContextDeleter {
    void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

}  // namespace

std::string sha256(const std::vector<std::span<const std::byte>>& parts) {
    const std::unique_ptr<EVP_MD_CTX, ContextDeleter> context(EVP_MD_CTX_new());
    if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1)
        throw std::bad_alloc();
    for (const auto part : parts) EVP_DigestUpdate(context.get(), part.data(), part.size());
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned int size = 0;
    EVP_DigestFinal_ex(context.get(), digest.data(), &size);
    std::string text;
    for (unsigned int i = 0; i < size; ++i) text += std::format("{:02x}", digest[i]);
    return text;
}

}  // namespace titans::checkpoint
