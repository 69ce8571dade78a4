#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

struct UBreakIterator;

namespace titans::text {

struct BreakIteratorCloser {
    void operator()(UBreakIterator* iterator) const noexcept;
};
using BreakIteratorHandle = std::unique_ptr<UBreakIterator, BreakIteratorCloser>;

/// Cuts text into sentences by Unicode's rules (UAX #29, as ICU has them), less the false ends
/// behind abbreviations.
///
/// Not thread-safe; costly to make, cheap to use again.
class SentenceCutter {
public:
    /// `locale`: of the text, as in BCP 47; the empty one suits every script.
    explicit SentenceCutter(std::string_view locale = "");

    /// The sentences of `text` (UTF-8) in order, without white space at their ends; none is empty.
    /// Views into `text`. A line end ends a sentence.
    std::vector<std::string_view> cut(std::string_view text);

private:
    BreakIteratorHandle iterator_;
};

}  // namespace titans::text
