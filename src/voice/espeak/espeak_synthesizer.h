#pragma once

#include "engine/espeak/espeak_library.h"
#include "voice/speech_synthesizer.h"

namespace titans::voice::espeak {

/// The built-in voice: clear, in over a hundred languages, and nobody's. It ignores the recording.
///
/// Thread-safe, as the library is.
class EspeakSynthesizer final : public SpeechSynthesizer {
public:
    /// `library` outlives it.
    explicit EspeakSynthesizer(engine::EspeakLibrary& library) : library_(library) {}

    SampleRate output_rate() const override { return library_.rate(); }

    /// As promised; the speech begins and ends with a few hundredths of a second of silence.
    Result<audio::Audio> speak(std::string_view text, const VoiceSample& voice,
                               std::stop_token stop) override;

private:
    engine::EspeakLibrary& library_;
};

}  // namespace titans::voice::espeak
