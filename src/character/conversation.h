#pragma once

#include <atomic>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "character/answer_audio.h"
#include "character/engines.h"
#include "character/local_minds.h"
#include "character/mind_chooser.h"
#include "character/turn.h"
#include "character/voice_samples.h"
#include "character/voices.h"
#include "execution/executor.h"
#include "execution/task.h"
#include "knowledge/embedding_worker.h"
#include "knowledge/recall.h"
#include "store/character_store.h"

namespace titans::character {

/// Turns of conversation: the one pipeline from a question to its answer, as a stream of events.
///
/// Thread-safe: any number of turns run at once, each on the event loop that started it.
class Conversation {
public:
    struct Parts {
        store::CharacterStore& characters;
        AnswerAudio& audio;
        knowledge::Recall& recall;
        knowledge::EmbeddingWorker& embedding;
        VoiceSamples& samples;
        const models::ModelStore& models;
        const MindChooser& minds;
        LocalMinds& local_minds;
        Engines& engines;  // used on `compute` only
        const Voices& voices;
        Executor& compute;
        Executor& remote;  // minds behind APIs: it waits more than it works
        Executor& files;
        int most_turns = 1;                    // at once
        std::chrono::seconds longest_audio{};  // of a question
    };

    explicit Conversation(Parts parts) : parts_(std::move(parts)) {}

    /// A turn that may run: nothing that can be known beforehand stands in its way.
    struct Turn;

    /// Errors: Busy, when as many turns are on as may be; NotFound; Conflict naming the download of
    /// a mind that is not here; Unsupported.
    Task<Result<std::shared_ptr<Turn>>> begin(TurnRequest request);

    /// Sentences to be spoken at once.
    struct SpokenText;

    /// Runs it and tells `sink` of it. The last event is an Answer or an Error.
    Task<> run(std::shared_ptr<Turn> turn, EventSink sink, std::stop_token stop);

    /// Turns that are on.
    int turns() const { return turns_; }

    /// Where the recording of that stored name is. Errors: NotFound.
    Result<std::filesystem::path> recording(std::string_view name) const {
        return parts_.audio.path(name);
    }

    struct Preparation {
        std::string name;                   // of the character
        std::vector<std::string> warnings;  // what will not be as its settings say
    };
    /// Loads all that the character needs and computes what does not depend on the question.
    /// Errors: NotFound; Conflict naming the download of what is not here; Unsupported; Cancelled.
    Task<Result<Preparation>> prepare(CharacterId id, std::stop_token stop);

private:
    Task<Result<Answer>> answer(std::shared_ptr<Turn> turn);
    Task<Result<std::string>> understand(std::shared_ptr<Turn> turn);
    Task<Result<void>> think(std::shared_ptr<Turn> turn);
    DetachedTask generate(std::shared_ptr<Turn> turn);
    /// What is used on executor_of(choice), without LocalMinds.
    mind::LanguageModel& direct_mind(const MindChoice& choice) const;
    Task<Result<void>> prepare_mind(MindChoice choice, LlmConfig config, mind::Prompt prompt,
                                    std::stop_token stop);
    DetachedTask speak(std::shared_ptr<Turn> turn);
    /// The next text to speak, of one sentence or of several; nothing at the end.
    static Task<std::optional<SpokenText>> next_text(std::shared_ptr<Turn> turn,
                                                     std::size_t enough);
    Task<Result<audio::Audio>> speak_text(std::shared_ptr<Turn> turn, const CharacterVoice* voice,
                                          std::string text) const;
    Task<Result<std::string>> write_audio(std::shared_ptr<Turn> turn, audio::Audio audio);
    Executor& executor_of(const MindChoice& choice) const;

    Parts parts_;
    std::atomic<int> turns_{0};
};

}  // namespace titans::character
