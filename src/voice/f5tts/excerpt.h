#pragma once

#include "audio/audio.h"
#include "voice/speech_synthesizer.h"

namespace titans::voice::f5tts {

/// As the reference cuts it (f5_tts/infer/utils_infer.py, preprocess_ref_audio_text(), with
/// pydub.silence): up to a silence, 12 s at most; without silence at the ends, but 50 ms of it
/// behind. recording: taken as 16-bit samples, as there.
Excerpt reference_excerpt(const audio::Audio& recording);

/// The part to prefer: a recording of up to 12 s is taken as it is; of a longer one 5 to 8 s, from
/// pause to pause, that are spoken evenly, with the least noise and few pauses. Its ends are cut as
/// the reference does.
Excerpt best_excerpt(const audio::Audio& recording);

}  // namespace titans::voice::f5tts
