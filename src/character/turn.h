#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
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

/// Errors: InvalidInput unless `text` is UTF-8 of 1 to 8,000 characters, not blank, and without
/// control characters.
Result<void> check_question(std::string_view text);
/// Errors: InvalidInput unless `session` is such text of at most 64 characters; it may be empty.
Result<void> check_session(std::string_view session);

/// A recording as it was sent, in any container that audio/ decodes.
struct AudioQuestion {
    std::vector<std::byte> bytes;
};

struct TurnRequest {
    CharacterId character;
    std::variant<TextQuestion, AudioQuestion> question;
    Speech speech = Speech::Whole;
    std::string session;  // whose earlier turns the mind is told, and this one later; empty: none
    /// When the turn is stopped; what was written and spoken by then is the answer.
    Clock::time_point deadline = Clock::time_point::max();
};

/// What each stage took; absent if the turn had no such stage. The first four last from the
/// stage's start to its end, the others from the start of the turn.
struct Timings {
    std::optional<Milliseconds> decode;
    std::optional<Milliseconds> recognise;
    std::optional<Milliseconds> recall;
    std::optional<Milliseconds> voice;  // loaded and learned, beside the others
    std::optional<Milliseconds> first_token;
    std::optional<Milliseconds> text;
    std::optional<Milliseconds> first_audio;
    std::optional<Milliseconds> total;
    int prompt_tokens = 0;
    int cached_tokens = 0;
    int completion_tokens = 0;
};

struct MindUsed {
    std::string engine;  // "gguf", "api", or "extractive": then the answer is a quotation
    std::string model;   // a file's name, or what the API calls it; empty: none
};

struct EarsUsed {
    std::string engine;    // as stt_settings.model names it
    std::string language;  // ISO 639-1; empty if the recogniser does not know
    float confidence = 0;  // 0 to 1: how sure it is of the words
};

struct VoiceUsed {
    std::string engine;
    bool cloned = false;
    /// Why it is not the voice that the character asks for, or not all was spoken; else empty.
    std::string reason;
    std::string excerpt;  // the part of the recording that it was learned from; empty: all of it
    std::string device;  // that computes its networks: "cpu", or a card's name; empty: it has none
    std::optional<int> nfe_step;        // of a voice that is sampled in steps
    std::optional<std::uint64_t> seed;  // of its random numbers
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
    int index;      // of the first
    int sentences;  // that were spoken together
    AudioFile file;
    std::chrono::duration<double> duration;
};
struct Answer {
    std::string question;
    bool question_was_spoken = false;
    EarsUsed ears;  // of a spoken question
    std::string text;
    bool truncated = false;          // ended by max_tokens, the context or the deadline
    std::optional<AudioFile> audio;  // of all of the text, or of its beginning (voice.reason)
    std::string character_name;
    knowledge::Recollection recalled;
    MindUsed mind;
    VoiceUsed voice;
    Timings timings;
    std::vector<std::string> warnings;  // what was not done that was asked for
};

/// What happens in a turn, in this order; it ends with an Answer or an Error.
using Event = std::variant<Transcribed, knowledge::Recollection, TextPiece, SentenceWritten,
                           SentenceSpoken, Answer, Error>;

/// Called on the event loop of the turn.
using EventSink = std::function<void(const Event&)>;

}  // namespace titans::character
