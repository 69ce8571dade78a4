#pragma once

#include <cstddef>
#include <deque>
#include <memory>
#include <stop_token>
#include <string>

#include "audio/audio.h"
#include "character/speech_settings.h"
#include "foundation/error.h"
#include "hearing/speech_recognizer.h"
#include "hearing/utterance_segmenter.h"
#include "hearing/vad/voice_activity_detector.h"

namespace titans::character {

struct Heard {
    /// Of all utterances: the language is the first one's, the confidence the mean over the time
    /// that they take.
    hearing::Transcript transcript;
    bool split = false;  // an utterance was longer than max_time
};

/// Finds what is said in a recording, and recognises one utterance after the other. Use it where
/// the ears are used.
class Listening {
public:
    /// `speech` is at the detector's rate.
    Listening(std::unique_ptr<hearing::vad::VoiceActivityDetector> detector,
              const SttSettings& settings, audio::Audio speech);

    /// Recognises the next utterance; false if there is none any more. Errors: as
    /// SpeechRecognizer::recognize().
    Result<bool> next(hearing::SpeechRecognizer& ears, const std::stop_token& stop);

    /// Of the utterances until now.
    const Heard& heard() const { return heard_; }

private:
    Result<void> recognize(hearing::Utterance utterance, hearing::SpeechRecognizer& ears,
                           const std::stop_token& stop);

    hearing::UtteranceSegmenter segmenter_;
    std::string language_;  // that the ears are told
    audio::Audio speech_;
    std::size_t segmented_ = 0;
    bool flushed_ = false;
    std::deque<hearing::Utterance> found_;
    double understood_seconds_ = 0;
    Heard heard_;
};

/// All that is said in `speech`.
Result<Heard> listen(hearing::SpeechRecognizer& ears,
                     std::unique_ptr<hearing::vad::VoiceActivityDetector> detector,
                     const SttSettings& settings, audio::Audio speech, const std::stop_token& stop);

}  // namespace titans::character
