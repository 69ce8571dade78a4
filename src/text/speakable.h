#pragma once

#include <string>
#include <string_view>

namespace titans::text {

/// `text` as a voice should say it: without Markdown's marks, blocks of code, HTML tags, emojis and
/// control characters; of a link its text, of a URL its host's words ("example com"); repeated
/// punctuation once; one line, in which what were lines end in punctuation. Empty if nothing is
/// left to say.
std::string speakable(std::string_view text);

}  // namespace titans::text
