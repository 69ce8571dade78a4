#pragma once

#include <string>
#include <string_view>

namespace titans::hearing::whisper {

/// What was said, of what Whisper wrote: valid UTF-8 without the captions that it adds for sounds
/// ("[BLANK_AUDIO]",
/// "(music)", "*coughs*", notes), trimmed. Empty if that is all there is.
std::string spoken_text(std::string_view written);

}  // namespace titans::hearing::whisper
