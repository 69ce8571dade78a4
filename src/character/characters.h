#pragma once

#include <filesystem>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "execution/executor.h"
#include "execution/task.h"
#include "knowledge/embedding_worker.h"
#include "store/character_store.h"
#include "store/files/media_store.h"

namespace titans::character {

/// A file as it was sent with a form.
struct Upload {
    std::string name;  // as the sender calls it: for messages only
    std::string bytes;
};

/// What a character is made of, as it was sent: nothing of it is trusted yet.
struct CharacterForm {
    std::string name;
    std::string llm_model;
    std::string llm_config = "{}";
    std::string voice_cloning_settings = "{}";
    std::string stt_settings = "{}";
    std::optional<Upload> image;
    std::optional<Upload> knowledge;
    std::optional<Upload> voice;
    std::optional<Upload> style;
};

/// Makes characters, and takes them away.
///
/// Thread-safe. Every task resumes on the event loop that awaited it.
class Characters {
public:
    struct Parts {
        store::CharacterStore& characters;
        const store::MediaStore& files;
        knowledge::EmbeddingWorker& embedding;
        Executor& file_work;  // parsing, and writing files
    };

    explicit Characters(Parts parts) : parts_(parts) {}

    /// Files first, then the row: when this returns, the character exists and stays. Its knowledge
    /// is searchable by words at once, and by meaning as far as embedding came in two seconds; the
    /// rest follows in the background. Errors: InvalidInput naming the field.
    Task<Result<CharacterId>> create(CharacterForm form, std::stop_token stop);

    /// Errors: NotFound.
    Task<Result<store::CharacterRecord>> find(CharacterId id) { return parts_.characters.find(id); }
    Task<Result<std::vector<store::CharacterRecord>>> list() { return parts_.characters.list(); }

    /// Errors: NotFound.
    Task<Result<void>> remove(CharacterId id);

    /// Where the picture of that stored name is. NotFound for anything else: voice samples lie
    /// beside the pictures and are nobody's to fetch.
    Result<std::filesystem::path> picture(std::string_view name) const;

    /// Removes files that no character has: what was left behind by a process that ended while it
    /// made one.
    Task<Result<void>> sweep();

private:
    Parts parts_;
};

}  // namespace titans::character
