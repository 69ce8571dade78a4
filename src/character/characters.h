#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "audio/analysis.h"
#include "character/answer_audio.h"
#include "character/mind_chooser.h"
#include "character/voice_samples.h"
#include "character/voices.h"
#include "execution/executor.h"
#include "execution/task.h"
#include "knowledge/embedding_worker.h"
#include "models/model_store.h"
#include "store/character_store.h"
#include "store/files/media_store.h"
#include "store/secret_box.h"

namespace titans::character {

/// A file as it was sent with a form.
struct Upload {
    std::string name;  // as the sender calls it: for messages only
    std::string bytes;
};

/// What a character is made of, as it was sent: nothing of it is trusted yet. What is absent was
/// left out.
struct CharacterForm {
    std::optional<std::string> name;
    std::optional<std::string> llm_model;
    std::optional<std::string> llm_config;  // JSON objects
    std::optional<std::string> voice_cloning_settings;
    std::optional<std::string> stt_settings;
    std::optional<Upload> image;
    std::optional<Upload> knowledge;
    std::optional<Upload> voice;
    std::optional<Upload> style;
    bool append_knowledge = false;  // to what there is; else in its place
};

struct SavedCharacter {
    CharacterId id;
    std::vector<std::string> warnings;                // what has no effect, or cannot work yet
    std::optional<audio::SampleReport> voice_sample;  // of the recording that came with the form
};

/// Makes characters, changes them, and takes them away.
///
/// Thread-safe. Every task resumes on the event loop that awaited it.
class Characters {
public:
    struct Parts {
        store::CharacterStore& characters;
        const store::MediaStore& files;
        AnswerAudio& audio;
        knowledge::EmbeddingWorker& embedding;
        VoiceSamples& samples;
        const models::ModelStore& models;
        const MindChooser& minds;
        const store::SecretBox& secrets;
        const Voices& voices;
        Executor& file_work;  // parsing, decoding, and writing files
        std::chrono::seconds longest_audio{};
    };

    explicit Characters(Parts parts) : parts_(parts) {}

    /// Files first, then the row: when this returns, the character exists and stays. Its recording
    /// is prepared as its settings say. Its knowledge is searchable by words at once, and by
    /// meaning as far as embedding came in two seconds; the rest follows in the background, and so
    /// do the words of the recording if they are not given. Errors: InvalidInput naming the field.
    Task<Result<SavedCharacter>> create(CharacterForm form, std::stop_token stop);

    /// Changes what `form` has, all at once or not at all. An llm_config whose api_key is "set", as
    /// it is shown, keeps the key. Errors: NotFound; InvalidInput naming the field.
    Task<Result<SavedCharacter>> update(CharacterId id, CharacterForm form, std::stop_token stop);

    /// Errors: NotFound.
    Task<Result<store::CharacterRecord>> find(CharacterId id) { return parts_.characters.find(id); }
    Task<Result<std::vector<store::CharacterRecord>>> list() { return parts_.characters.list(); }
    /// Nothing if the character has no recording.
    std::optional<ReferenceText> reference_text(const store::CharacterRecord& character) const {
        return parts_.samples.reference_text(character);
    }

    /// With its files and the recordings of its answers. Errors: NotFound.
    Task<Result<void>> remove(CharacterId id);

    /// Where the picture of that stored name is. NotFound for anything else: voice samples lie
    /// beside the pictures and are nobody's to fetch.
    Result<std::filesystem::path> picture(std::string_view name) const;

    /// Once, at the start: removes files and recordings that no character has, left behind by a
    /// process that ended while it made or removed one, and seals keys that an earlier version
    /// stored as they were.
    Task<Result<void>> sweep();

    /// Now and from time to time: forgets old sessions and recordings, and files that no character
    /// has, and makes what is missing of voice samples.
    Task<> tidy();

private:
    struct Checked;

    Result<void> check_recording(const CharacterForm& form, const store::CharacterRecord* before,
                                 Checked& checked) const;
    Result<Checked> check(CharacterForm& form, const store::CharacterRecord* before) const;
    Result<void> check_mind(const CharacterForm& form, const store::CharacterRecord* before,
                            Checked& checked) const;
    Result<void> check_ears(const std::string& settings, std::vector<std::string>& warnings) const;
    Result<void> check_voice(const CharacterForm& form, const store::CharacterRecord* before,
                             std::vector<std::string>& warnings) const;
    /// Writes the files; what was written when it fails stands in `checked`.
    Result<void> write(const CharacterForm& form, const store::CharacterRecord* before,
                       Checked& checked) const;
    Task<Result<void>> sweep_files();
    /// On the file executor.
    Result<Checked> check_and_write(CharacterForm& form,
                                    const store::CharacterRecord* before) const;

    Parts parts_;
};

}  // namespace titans::character
