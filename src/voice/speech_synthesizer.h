#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::voice {

/// Whom to speak like.
struct VoiceSample {
    std::optional<audio::Audio> recording;  // what a cloning voice learns from
    std::string transcript;                 // what is said in it
    std::string language = "en";            // BCP 47, of the text to speak: "en", "en-us", "de"
};

/// Speaks text in a voice learned from one short recording.
///
/// Not thread-safe: call it on the executor that loaded it, one request at a time.
class SpeechSynthesizer {
public:
    virtual ~SpeechSynthesizer() = default;

    /// The rate of every Audio that speak() returns.
    virtual SampleRate output_rate() const = 0;

    /// Speaks one sentence of UTF-8 `text` like `voice`. Polls `stop` between sampler steps.
    /// Errors: InvalidInput if nothing in `text` can be pronounced, or for an unknown language;
    /// Cancelled.
    virtual Result<audio::Audio> speak(std::string_view text, const VoiceSample& voice,
                                       std::stop_token stop) = 0;
};

}  // namespace titans::voice
