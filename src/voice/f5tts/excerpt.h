#pragma once

#include <string>
#include <vector>

#include "audio/audio.h"

namespace titans::voice::f5tts {

/// The part of a recording that a voice is learned from.
struct Excerpt {
    audio::Audio audio;
    /// Something was said in the recording that is not in it, so its words are other ones.
    bool is_part = false;
    std::string note;  // for a person: "seconds 12.3 to 19.0 of 43.2"; empty if it is all of it
};

/// As the reference cuts it (f5_tts/infer/utils_infer.py, preprocess_ref_audio_text(), with
/// pydub.silence): up to a silence, 12 s at most; without silence at the ends, but 50 ms of it
/// behind. recording: taken as 16-bit samples, as there.
Excerpt reference_excerpt(const audio::Audio& recording);

/// The part to prefer: a recording of up to 12 s is taken as it is; of a longer one 5 to 8 s, from
/// pause to pause, that are spoken evenly, with the least noise and few pauses. Its ends are cut as
/// the reference does.
Excerpt best_excerpt(const audio::Audio& recording);

}  // namespace titans::voice::f5tts
