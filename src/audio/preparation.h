#pragma once

#include <stop_token>

#include "audio/audio.h"
#include "foundation/error.h"

namespace titans::audio {

/// What is done to a voice sample before a voice is learned from it. All of it runs in one fixed
/// order, which docs/audio.md explains with its figures; nothing is done by default.
struct Preparation {
    bool clean = false;           // rumble and steady noise are taken out
    bool remove_silence = false;  // long silences become natural pauses
    float top_db = 40;            // below the loudest frame: what is silence
    bool bass_boost = false;
    bool treble_boost = false;
    bool compression = false;  // loud and soft come closer together
    bool enhance = false;      // brought to kPreparedLufs
    int fade_ms = 0;           // at each end, at most half of the sample

    bool operator==(const Preparation&) const = default;
    bool changes_nothing() const { return *this == Preparation{.top_db = top_db}; }
};

/// What `preprocess_audio` alone asks for.
Preparation standard_preparation();

/// The loudness that `enhance` brings a sample to.
constexpr double kPreparedLufs = -20;
/// What filters raised is limited to this true peak.
constexpr double kPreparedPeakDb = -1;

/// `audio` has a rate between 8 and 192 kHz, and keeps it; only remove_silence changes its length.
/// Thread-safe; polls `stop`. Errors: InvalidInput if a sample is not a number; NothingHeard if
/// `audio` is empty or silent throughout; TooLarge beyond ten minutes; Cancelled; Internal.
Result<Audio> prepare(const Audio& audio, const Preparation& preparation, std::stop_token stop);

}  // namespace titans::audio
