#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "mind/language_model.h"

namespace titans::mind {

/// Makes what a model writes, byte by byte, into what people get: whole UTF-8 characters (what is
/// none becomes U+FFFD), up to the first stop string and without white space in front. What may be
/// the beginning of a character or of a stop string is held back.
class TextStream {
public:
    /// Empty stop strings do not count. `sink` is called during add() and finish() only.
    TextStream(std::vector<std::string> stop_strings, TextSink sink);

    /// False once a stop string was found: from then on nothing is passed on.
    bool add(std::string_view bytes);
    /// Passes on what was held back, but for a character that never was completed.
    void finish();

    /// All that was passed on.
    const std::string& text() const { return text_; }

private:
    void emit(std::size_t size);

    std::vector<std::string> stop_strings_;
    TextSink sink_;
    std::string partial_character_;
    std::string held_;  // whole characters
    std::string text_;
    bool stopped_ = false;
};

}  // namespace titans::mind
