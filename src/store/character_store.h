#pragma once

#include <cstdint>
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
    std::vector<StyleExample> style;
    std::vector<NewPassage> passages;
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
/// Thread-safe. Every task resumes on the event loop that awaited it. Errors of all: Internal if
/// the database fails.
class CharacterStore {
public:
    virtual ~CharacterStore() = default;

    /// One transaction.
    virtual Task<Result<CharacterId>> create(NewCharacter character) = 0;
    /// Errors: NotFound.
    virtual Task<Result<CharacterRecord>> find(CharacterId id) = 0;
    /// By id; without the style examples.
    virtual Task<Result<std::vector<CharacterRecord>>> list() = 0;
    /// The row and all that hangs on it. Errors: NotFound.
    virtual Task<Result<void>> remove(CharacterId id) = 0;
    /// Every name in image_file and voice_file: what must not be swept from files/.
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
};

}  // namespace titans::store
