#pragma once

#include <memory>
#include <stop_token>

#include "audio/audio.h"
#include "character/speech_settings.h"
#include "foundation/error.h"
#include "hearing/speech_recognizer.h"
#include "hearing/vad/voice_activity_detector.h"

namespace titans::character {

struct Heard {
    hearing::Transcript transcript;  // of all utterances; the language is the first one's
    bool split = false;              // an utterance was longer than max_time
};

/// Finds what is said in `speech`, at the detector's rate, and recognises one utterance after the
/// other. Call it where `ears` is used. Errors: as SpeechRecognizer::recognize().
Result<Heard> listen(hearing::SpeechRecognizer& ears,
                     std::unique_ptr<hearing::vad::VoiceActivityDetector> detector,
                     const SttSettings& settings, const audio::Audio& speech,
                     const std::stop_token& stop);

}  // namespace titans::character
