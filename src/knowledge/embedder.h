#pragma once

#include <cstdint>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "foundation/error.h"

namespace titans::knowledge {

/// A vector of length 1: the dot product of two of them is their cosine.
using Embedding = std::vector<float>;

/// What a text is for: some models read a question in another way than what may answer it.
enum class TextRole : std::uint8_t { Query, Passage };

/// Maps text to vectors in which likeness of meaning is likeness of direction.
///
/// Not thread-safe: call it on the executor that loaded it, one request at a time.
class Embedder {
public:
    virtual ~Embedder() = default;

    /// The name that is stored with each vector: vectors of different models are never compared.
    virtual const std::string& model() const = 0;

    /// One Embedding for each of `texts` (UTF-8; what exceeds the model's context is cut off).
    /// Polls `stop` between batches. Errors: Cancelled; Internal.
    virtual Result<std::vector<Embedding>> embed(std::span<const std::string> texts, TextRole role,
                                                 std::stop_token stop) = 0;
};

}  // namespace titans::knowledge
