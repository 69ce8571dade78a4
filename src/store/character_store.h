#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "execution/task.h"
#include "foundation/error.h"
#include "foundation/units.h"

namespace titans::store {

struct StyleExample {
    std::string question;
    std::string response;
};

/// A piece of a character's knowledge, as it is stored. `words` are what lexical search looks at,
/// cut and folded by knowledge/, so that every database finds the same.
struct NewPassage {
    std::string text;
    std::vector<std::string>
        words;  // without white space or control characters; those with are not found
};

struct NewCharacter {
    std::string name;
    std::string slug_base;  // ASCII, may be empty; made unique, or the id, by the store
    std::string llm_model;
    std::string llm_config;              // JSON objects, as given; "{}" if none
    std::string voice_cloning_settings;  //
    std::string stt_settings;            //
    std::string image_file;              // names within files/, empty: none
    std::string voice_file;
    std::string sample_file;  // what was made of voice_file for voices to learn from
    std::string sample_key;   // of which file, and how
    std::vector<StyleExample> style;
    std::vector<NewPassage> passages;
};

/// What happens to the knowledge that a character has when more of it comes.
enum class KnowledgeChange : std::uint8_t { Keep, Replace, Append };

/// What is to change of a character; what is absent stays as it is.
struct CharacterChange {
    std::optional<std::string> name;
    std::string slug_base;  // of the new name
    std::optional<std::string> llm_model;
    std::optional<std::string> llm_config;
    std::optional<std::string> voice_cloning_settings;
    std::optional<std::string> stt_settings;
    std::optional<std::string> image_file;
    std::optional<std::string> voice_file;
    std::optional<std::string> sample_file;
    std::optional<std::string> sample_key;
    std::optional<std::string> transcript;
    std::optional<std::string> transcript_of;
    std::optional<std::vector<StyleExample>> style;
    KnowledgeChange knowledge = KnowledgeChange::Keep;
    std::vector<NewPassage> passages;  // empty if the knowledge is kept
};

/// A question of a session, and what was answered.
struct SessionTurn {
    std::string question;
    std::string answer;
};

struct CharacterRecord {
    CharacterId id;
    std::string name;
    std::string slug;
    std::string llm_model;
    std::string llm_config;
    std::string voice_cloning_settings;
    std::string stt_settings;
    std::string image_file;
    std::string voice_file;
    std::string sample_file;
    std::string sample_key;
    std::string transcript;     // what was heard in the recording; empty: nothing
    std::string transcript_of;  // the voice_file in which it was heard; empty: none was listened to
    std::string created_at;  // ISO 8601, UTC, without zone: "2024-01-01T00:00:00"
    std::vector<StyleExample> style;
};

struct Passage {
    std::int64_t id = 0;
    std::string text;
};

/// `score`: larger is better; of one search only (bm25's negative, or a cosine).
struct ScoredPassage {
    Passage passage;
    double score = 0;
};

/// How common words are among one character's passages.
struct WordCounts {
    std::int64_t passages = 0;             // of the character
    std::vector<std::int64_t> containing;  // for each word asked for: the passages that hold it
};

struct PassageVector {
    std::int64_t passage_id = 0;
    std::vector<float> vector;
};

/// The characters and their knowledge. A character exists when create() has returned: all of it,
/// durably.
///
/// Texts are UTF-8 of any length without U+0000, which not every database can keep: callers refuse
/// it. Vectors are of unit length.
///
/// Thread-safe. Every task resumes on the event loop that awaited it. Errors of all: Busy if the
/// database cannot be reached now (what was asked for has not happened, or it is unknown whether a
/// commit arrived); Internal if it fails.
class CharacterStore {
public:
    virtual ~CharacterStore() = default;

    /// One transaction.
    virtual Task<Result<CharacterId>> create(NewCharacter character) = 0;
    /// Errors: NotFound.
    virtual Task<Result<CharacterRecord>> find(CharacterId id) = 0;
    /// By id; without the style examples.
    virtual Task<Result<std::vector<CharacterRecord>>> list() = 0;
    /// One transaction. Returns the record as it was before, without the style examples: files that
    /// it names and the change replaces are nobody's now. Errors: NotFound.
    virtual Task<Result<CharacterRecord>> update(CharacterId id, CharacterChange change) = 0;
    /// The row and all that hangs on it: style, passages, vectors, sessions. Errors: NotFound.
    virtual Task<Result<void>> remove(CharacterId id) = 0;
    /// Every name in image_file, voice_file and sample_file: what must not be swept from files/.
    virtual Task<Result<std::vector<std::string>>> file_names() = 0;

    /// In how many passages of `id` each of `words` stands.
    virtual Task<Result<WordCounts>> count_words(CharacterId id,
                                                 std::vector<std::string> words) = 0;
    /// The best `limit` passages of `id` with at least one of `words`, best first. The score is
    /// BM25 (k1 1.2, b 0.75) over this character's passages alone, so that other characters change
    /// nothing.
    virtual Task<Result<std::vector<ScoredPassage>>> search_words(CharacterId id,
                                                                  std::vector<std::string> words,
                                                                  int limit) = 0;
    /// The nearest `limit` passages of `id` among those with a vector of `model`, best first; score
    /// = cosine.
    virtual Task<Result<std::vector<ScoredPassage>>> search_vectors(CharacterId id,
                                                                    std::string model,
                                                                    std::vector<float> query,
                                                                    int limit) = 0;
    /// Up to `limit` passages, of `id` or of all characters (id 0), that have no vector of `model`
    /// yet, oldest first.
    virtual Task<Result<std::vector<Passage>>> without_vector(CharacterId id, std::string model,
                                                              int limit) = 0;
    /// Stores vectors; those whose passage is gone meanwhile are dropped.
    virtual Task<Result<void>> save_vectors(std::string model,
                                            std::vector<PassageVector> vectors) = 0;

    /// The newest `limit` turns of a session with `id`, the oldest of them first.
    virtual Task<Result<std::vector<SessionTurn>>> session_turns(CharacterId id,
                                                                 std::string session,
                                                                 int limit) = 0;
    /// Errors: NotFound if there is no such character (any more).
    virtual Task<Result<void>> add_session_turn(CharacterId id, std::string session,
                                                SessionTurn turn) = 0;
    /// Forgets the turns that are older than `age`.
    virtual Task<Result<void>> forget_session_turns(std::chrono::seconds age) = 0;

    /// 32 hexadecimal digits that were made with the database and tell it from every other.
    virtual Task<Result<std::string>> identity() = 0;

    /// Whether the database answers.
    virtual Task<Result<void>> check() = 0;
};

}  // namespace titans::store
