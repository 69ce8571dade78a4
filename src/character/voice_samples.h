#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <vector>

#include "audio/audio.h"
#include "audio/preparation.h"
#include "character/speech_settings.h"
#include "execution/executor.h"
#include "execution/task.h"
#include "foundation/units.h"
#include "hearing/speech_recognizer.h"
#include "hearing/vad/voice_activity_detector.h"
#include "store/character_store.h"
#include "store/files/media_store.h"

namespace titans::character {

/// The recording of a voice, at the rate that no voice's exceeds. Errors: of audio::decode(),
/// naming the field; InvalidInput if it holds no sample.
Result<audio::Audio> decode_sample(std::span<const std::byte> bytes, std::chrono::seconds longest,
                                   std::stop_token stop);

/// That recording as a WAV for voices to learn from. Errors: of audio::prepare(), naming the field;
/// InvalidInput if it is silent.
Result<std::vector<std::byte>> prepare_sample(const audio::Audio& recording,
                                              const audio::Preparation& preparation,
                                              std::stop_token stop);

/// Tells prepared recordings apart: by the recording that one was made of, and how. Empty if
/// nothing is to be done to it.
std::string sample_key(const std::string& voice_file, const audio::Preparation& preparation);

/// How recordings of voices are heard: all of them is their words, however soft or short they are;
/// what `settings` leave out of questions stays in.
SttSettings for_samples(SttSettings settings);

/// What is known of the words in a character's recording.
struct ReferenceText {
    std::optional<std::string> text;    // nothing: not yet, or not at all; the warnings say why
    bool transcribed = false;           // heard by the character's ears, not given
    std::vector<std::string> warnings;  // why there is no text, or no prepared sample
};

/// What voices learn from: each character's recording, prepared as its settings say, and its words.
/// Words that nobody gave are heard by the character's own ears, when nobody waits for the compute
/// executor. What is left to do stands in the store, so a restart loses nothing.
///
/// Thread-safe; call the tasks and wake() on event loops. All that it is given must outlive it.
/// Destroy it on the loop that woke it first, or when the loops have ended.
class VoiceSamples {
public:
    struct Parts {
        store::CharacterStore& characters;
        const store::MediaStore& files;
        Executor& file_work;
        Executor& compute;
        std::chrono::seconds longest_audio{};
        /// What stands in the way of these ears.
        std::function<std::optional<Error>(const SttSettings&)> missing_ears;
        /// On the compute executor.
        std::function<Result<std::shared_ptr<hearing::SpeechRecognizer>>(const SttSettings&)> ears;
        std::function<std::unique_ptr<hearing::vad::VoiceActivityDetector>()> detector;
    };

    explicit VoiceSamples(Parts parts);
    VoiceSamples(const VoiceSamples&) = delete;
    VoiceSamples& operator=(const VoiceSamples&) = delete;
    ~VoiceSamples();

    /// There may be something to do for `id`; id 0: for any character. What fails is logged and
    /// told by reference_text(), and tried again when it is woken again.
    void wake(CharacterId id = {});

    /// The character is gone.
    void forget(CharacterId id);

    /// Does it with the priority of what people wait for. When `stop` fires, the rest is left to
    /// the background.
    Task<> finish(CharacterId id, std::stop_token stop);

    /// Nothing if the character has no recording.
    std::optional<ReferenceText> reference_text(const store::CharacterRecord& character) const;

    /// What voices are to learn from: the prepared recording, or the recording itself where nothing
    /// is to be done to it, or is not done yet. On the file executor. Errors: of audio::decode();
    /// NotFound if there is no recording (any more).
    Result<audio::Audio> recording(const store::CharacterRecord& character, SampleRate rate,
                                   std::stop_token stop) const;

    /// Nothing is being done or about to be.
    bool is_idle() const;

private:
    struct State;

    static DetachedTask work(std::shared_ptr<State> state);

    const std::shared_ptr<State> state_;  // shared with the coroutines, which may end later
};

}  // namespace titans::character
