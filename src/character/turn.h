#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "knowledge/recall.h"

namespace titans::character {

/// Whether and how an answer is spoken.
enum class Speech : std::uint8_t {
    None,
    Whole,       // one recording of the whole answer
    BySentence,  // a recording of each sentence as soon as it is spoken, and the whole at the end
};

struct TextQuestion {
    std::string text;
};

/// A recording as it was sent, in any container that audio/ decodes.
struct AudioQuestion {
    std::vector<std::byte> bytes;
};

struct TurnRequest {
    CharacterId character;
    std::variant<TextQuestion, AudioQuestion> question;
    Speech speech = Speech::Whole;
};

/// What each stage took; absent if the turn had no such stage. The first three last from the
/// stage's start to its end, the others from the start of the turn.
struct Timings {
    std::optional<Milliseconds> decode;
    std::optional<Milliseconds> recognise;
    std::optional<Milliseconds> recall;
    std::optional<Milliseconds> first_token;
    std::optional<Milliseconds> text;
    std::optional<Milliseconds> first_audio;
    std::optional<Milliseconds> total;
    int prompt_tokens = 0;
    int cached_tokens = 0;
    int completion_tokens = 0;
};

struct VoiceUsed {
    std::string engine;
    bool cloned = false;
    std::string reason;  // why it is not the voice that the character asks for; empty if it is
};

/// One recording below DATA_DIR's audio, by its stored name; `slug` names its character in the URL.
struct AudioFile {
    std::string slug;
    std::string name;
};

struct Transcribed {
    std::string text;
    std::string language;
};
struct TextPiece {
    std::string text;
};
struct SentenceWritten {
    int index;
    std::string text;
};
struct SentenceSpoken {
    int index;
    AudioFile file;
    std::chrono::duration<double> duration;
};
struct Answer {
    std::string question;
    bool question_was_spoken = false;
    std::string text;
    std::optional<AudioFile> audio;
    std::string character_name;
    knowledge::Recollection recalled;
    VoiceUsed voice;
    Timings timings;
};

/// What happens in a turn, in this order; it ends with an Answer or an Error.
using Event = std::variant<Transcribed, knowledge::Recollection, TextPiece, SentenceWritten,
                           SentenceSpoken, Answer, Error>;

/// Called on the event loop of the turn.
using EventSink = std::function<void(const Event&)>;

}  // namespace titans::character
