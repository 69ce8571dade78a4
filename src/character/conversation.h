#pragma once

#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "character/engines.h"
#include "character/turn.h"
#include "execution/executor.h"
#include "execution/task.h"
#include "knowledge/recall.h"
#include "store/character_store.h"
#include "store/files/media_store.h"
#include "voice/speech_synthesizer.h"

namespace titans::character {

/// Turns of conversation: the one pipeline from a question to its answer, as a stream of events.
///
/// Thread-safe: any number of turns run at once, each on the event loop that started it.
class Conversation {
public:
    struct Parts {
        store::CharacterStore& characters;
        const store::MediaStore& audio_files;
        knowledge::Recall& recall;
        Engines& engines;                   // used on `compute` only
        voice::SpeechSynthesizer& speaker;  // used on `speech` only
        Executor& compute;
        Executor& speech;
        Executor& files;
    };

    explicit Conversation(Parts parts) : parts_(parts) {}

    /// Where the recording of that stored name is. Errors: NotFound.
    Result<std::filesystem::path> recording(std::string_view name) const {
        return parts_.audio_files.path(name);
    }

    /// Runs one turn and tells `sink` of it. The last event is an Answer or an Error.
    Task<> run(TurnRequest request, EventSink sink, std::stop_token stop);

private:
    struct Turn;

    Task<Result<Answer>> answer(std::shared_ptr<Turn> turn);
    Task<Result<std::string>> understand(std::shared_ptr<Turn> turn);
    Task<Result<void>> think(std::shared_ptr<Turn> turn);
    DetachedTask generate(std::shared_ptr<Turn> turn, mind::Prompt prompt);
    DetachedTask speak(std::shared_ptr<Turn> turn);
    Task<Result<std::string>> write_audio(audio::Audio audio);

    Parts parts_;
};

}  // namespace titans::character
