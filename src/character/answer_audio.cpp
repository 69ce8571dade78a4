#include "character/answer_audio.h"

#include "foundation/log.h"

namespace titans::character {

Result<std::string> AnswerAudio::write(const audio::Audio& audio,
                                       const audio::WriteOptions& options, CharacterId owner) {
    TITANS_TRY(const std::vector<std::byte> bytes, audio::write(audio, options, {}));
    TITANS_TRY(std::string name, files_.write(bytes, audio::file_extension(options.format), owner));
    // So the folder never holds much more than it may, and most answers cost no look into it.
    if (written_.fetch_add(bytes.size()) + bytes.size() > limits_.bytes / 16) trim();
    return name;
}

void AnswerAudio::trim() {
    written_ = 0;
    if (const Result<void> trimmed = files_.trim(limits_.age, limits_.bytes); !trimmed)
        log::warn("audio.not_trimmed", "detail=\"{}\"", trimmed.error().detail);
}

}  // namespace titans::character
