#pragma once

#include <stop_token>
#include <string>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::hearing {

struct RecognitionOptions {
    std::string language = "auto";  // ISO 639-1, or "auto"
};

struct Transcript {
    std::string text;      // UTF-8, trimmed; empty if nothing was said
    std::string language;  // ISO 639-1
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
