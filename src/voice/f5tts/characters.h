#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "text/chinese_words.h"

namespace titans::voice::f5tts {

/// Text as the characters that F5-TTS has learned (F5-TTS model/utils.py, convert_char_to_pinyin):
/// Chinese by syllable, all else by code point, with spaces between where the package puts them.
///
/// Thread-safe. The data about Chinese, 9 MB on disk and 13 MB in memory, are read when the first
/// ideograph comes, in about 0.1 s.
class Characters {
public:
    explicit Characters(text::ChineseFiles files = {});
    ~Characters();

    /// `text`: UTF-8; what is malformed counts as U+FFFD. Each token is a code point or a syllable
    /// such as "zhong1", as in the model's vocabulary. Errors: Unsupported if there are ideographs
    /// and the data about them cannot be read.
    Result<std::vector<std::string>> tokens(std::string_view text) const;

private:
    struct Chinese;
    Result<std::shared_ptr<const Chinese>> chinese() const;

    text::ChineseFiles files_;
    text::ChineseWords without_ideographs_;
    mutable std::mutex mutex_;  // guards what follows
    mutable std::shared_ptr<const Chinese> chinese_;
};

}  // namespace titans::voice::f5tts
