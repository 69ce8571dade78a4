#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace titans::text {

/// Cuts a text that arrives in pieces into sentences to be spoken, each given out as soon as it is
/// sure to be complete.
///
/// A sentence ends at its closing punctuation if white space follows (none needs to behind
/// ideographic punctuation), at a line end, and not behind "Dr.", "e.g.", "3." at the start of a
/// list's entry or inside "3.5". A fenced block of code is one sentence. What the pieces are does
/// not change what comes out.
class SentenceStream {
public:
    /// Lengths in characters; an ideograph, which takes longer to say, counts as three.
    struct Options {
        /// The first sentence also ends at a comma or the like behind this length: a listener waits
        /// for it.
        std::size_t first_clause = 40;
        std::size_t clause = 200;   // so does every other one behind this length
        std::size_t longest = 320;  // cut at white space if there is any
    };

    SentenceStream() = default;
    explicit SentenceStream(Options options) : options_(options) {}

    /// Takes the next bytes of the text, which may end within a character. The sentences that are
    /// now complete.
    std::vector<std::string> push(std::string_view piece);

    /// The text has ended: what is left of it.
    std::vector<std::string> flush();

private:
    enum class Rest { ToCome, None };
    struct Cut {
        std::size_t length = 0;  // bytes of the sentence, from the start of the buffer
    };

    std::vector<std::string> take(Rest rest);
    std::optional<Cut> find_end(Rest rest) const;
    std::optional<Cut> find_fence_end(Rest rest) const;

    Options options_;
    std::string buffer_;
    bool first_ = true;
};

}  // namespace titans::text
