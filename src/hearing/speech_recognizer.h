#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "audio/audio.h"
#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::hearing {

struct RecognitionOptions {
    std::string language = "auto";  // ISO 639-1, or "auto"
    /// Words that are likely to be said (names, terms): a recogniser that can expects them.
    std::string prompt;
    bool word_times = false;
    int beams = 1;  // hypotheses that are followed side by side; 1: greedy
};

struct Word {
    std::string text;  // UTF-8
    Milliseconds begin{};
    Milliseconds end{};
    float confidence = 0;  // 0 to 1
};

struct Transcript {
    std::string text;      // UTF-8, trimmed; empty if nothing was said
    std::string language;  // ISO 639-1; empty if the recogniser does not know
    float confidence = 0;  // 0 to 1: the mean probability of what was written
    float no_speech_probability = 0;
    std::vector<Word> words;  // if word_times were asked for
};

/// Turns speech into text.
///
/// Not thread-safe: call it on the executor that loaded it, one request at a time.
class SpeechRecognizer {
public:
    virtual ~SpeechRecognizer() = default;

    /// The rate of the Audio that recognize() takes.
    virtual SampleRate input_rate() const = 0;

    /// Recognises all of `speech`, of any length. Polls `stop` between windows and inside the
    /// graph. Errors: InvalidInput for an unknown language; Cancelled; Internal.
    virtual Result<Transcript> recognize(const audio::Audio& speech,
                                         const RecognitionOptions& options,
                                         std::stop_token stop) = 0;
};

}  // namespace titans::hearing
