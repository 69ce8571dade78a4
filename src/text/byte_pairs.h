#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"

namespace titans::text {

/// The byte-level byte-pair encoding of GPT-2 and Whisper.
///
/// Its vocabulary tells the order of the merges: of two tokens the one that was merged earlier has
/// the lower number (as in OpenAI's tiktoken, whose files hold nothing else). Immutable, so
/// thread-safe.
class BytePairs {
public:
    /// tokens: by number, each byte spelled as a printable character ("Ġ" is a space). Errors:
    /// Unsupported if one is spelled otherwise or a byte has no token.
    static Result<BytePairs> make(std::span<const std::string> tokens);

    std::size_t size() const { return tokens_.size(); }

    /// What token `id`, which must be one, stands for: bytes, possibly of a part of a character.
    std::string_view bytes(int id) const { return tokens_[static_cast<std::size_t>(id)]; }

    /// The tokens of valid UTF-8 `text`.
    std::vector<int> encode(std::string_view text) const;

private:
    BytePairs() = default;

    void encode_piece(std::string_view piece, std::vector<int>& ids) const;

    std::vector<std::string> tokens_;
    std::map<std::string, int, std::less<>> ids_;
};

}  // namespace titans::text
