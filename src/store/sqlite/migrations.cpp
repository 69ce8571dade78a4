#include "store/sqlite/migrations.h"

#include <array>
#include <format>
#include <span>
#include <string>
#include <string_view>

namespace titans::store::sqlite {

namespace {

// One script for each version: never changed once released, only followed by another.

constexpr std::array<std::string_view, 4> kCharacterScripts{
    // Ids are never used again (AUTOINCREMENT), so that a vector that comes late cannot land on
    // another's passage. The passages of a character are inserted in one transaction: their ids are
    // a range, which is how the index of words, which knows only ids, is searched for one
    // character.
    R"sql(
CREATE TABLE character (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    slug TEXT UNIQUE,
    llm_model TEXT NOT NULL,
    llm_config TEXT NOT NULL,
    voice_cloning_settings TEXT NOT NULL,
    stt_settings TEXT NOT NULL,
    image_file TEXT NOT NULL,
    voice_file TEXT NOT NULL,
    created_at TEXT NOT NULL,
    words INTEGER NOT NULL
);

CREATE TABLE style_example (
    character_id INTEGER NOT NULL REFERENCES character ON DELETE CASCADE,
    position INTEGER NOT NULL,
    question TEXT NOT NULL,
    response TEXT NOT NULL,
    PRIMARY KEY (character_id, position)
) WITHOUT ROWID;

CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    character_id INTEGER NOT NULL REFERENCES character ON DELETE CASCADE,
    text TEXT NOT NULL
);
CREATE INDEX passage_of_character ON passage (character_id);

-- Words come cut and folded, joined by spaces: every other printable ASCII character belongs to a word here.
CREATE VIRTUAL TABLE passage_words USING fts5 (
    words,
    content = '',
    contentless_delete = 1,
    tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\]^_`{|}~'"
);

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- vector: float32, little-endian.
CREATE TABLE passage_vector (
    passage_id INTEGER NOT NULL REFERENCES passage ON DELETE CASCADE,
    model_id INTEGER NOT NULL REFERENCES model,
    vector BLOB NOT NULL,
    UNIQUE (passage_id, model_id)
);
)sql",
    // Knowledge that is appended has ids apart from the first ones: the ranges of each character,
    // in which the index of words is searched, are written down.
    R"sql(
CREATE TABLE passage_range (
    first INTEGER PRIMARY KEY,
    last INTEGER NOT NULL,
    character_id INTEGER NOT NULL REFERENCES character ON DELETE CASCADE
);
CREATE INDEX passage_range_of_character ON passage_range (character_id);
INSERT INTO passage_range (first, last, character_id)
    SELECT min(id), max(id), character_id FROM passage GROUP BY character_id;

CREATE TABLE session_turn (
    id INTEGER PRIMARY KEY,
    character_id INTEGER NOT NULL REFERENCES character ON DELETE CASCADE,
    session TEXT NOT NULL,
    question TEXT NOT NULL,
    answer TEXT NOT NULL,
    created_ms INTEGER NOT NULL
);
CREATE INDEX session_turn_of_session ON session_turn (character_id, session);
CREATE INDEX session_turn_by_age ON session_turn (created_ms);
)sql",
    // Vectors are in a file of their own, which knows by the identity whose they are.
    R"sql(
CREATE TABLE identity (id BLOB NOT NULL);
INSERT INTO identity (id) VALUES (randomblob(16));
DROP TABLE passage_vector;
DROP TABLE model;
)sql",
    // What is made of a character's recording: how it is prepared, and what is said in it.
    R"sql(
ALTER TABLE character ADD COLUMN sample_file TEXT NOT NULL DEFAULT '';
ALTER TABLE character ADD COLUMN sample_key TEXT NOT NULL DEFAULT '';
ALTER TABLE character ADD COLUMN transcript TEXT NOT NULL DEFAULT '';
ALTER TABLE character ADD COLUMN transcript_of TEXT NOT NULL DEFAULT '';
)sql"};

constexpr std::array<std::string_view, 1> kVectorScripts{
    // The version rises with each vector that a character gets, so that those in memory are known
    // to be old.
    R"sql(
CREATE TABLE owner (id BLOB NOT NULL);

CREATE TABLE model (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- vector: float32, little-endian.
CREATE TABLE passage_vector (
    passage_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL REFERENCES model,
    vector BLOB NOT NULL,
    UNIQUE (passage_id, model_id)
);

CREATE TABLE version (
    character_id INTEGER NOT NULL,
    model_id INTEGER NOT NULL REFERENCES model,
    version INTEGER NOT NULL,
    PRIMARY KEY (character_id, model_id)
) WITHOUT ROWID;
)sql"};

Result<std::size_t> version_of(Database& database) {
    TITANS_TRY(Statement statement, database.prepare("PRAGMA user_version"));
    TITANS_TRY([[maybe_unused]] const bool row, statement.step());
    return static_cast<std::size_t>(statement.integer(0));
}

Result<void> migrate(Database& database, std::span<const std::string_view> scripts) {
    while (true) {
        // Inside the transaction, so that of two processes that start at once only one does the
        // work.
        TITANS_TRY(Transaction transaction, Transaction::begin(database));
        TITANS_TRY(const std::size_t version, version_of(database));
        if (version > scripts.size()) {
            return fail(ErrorKind::Internal, "the database was made by a newer version of Titans",
                        std::format("schema {}, this program knows {}", version, scripts.size()));
        }
        if (version == scripts.size()) return {};
        TITANS_TRY_VOID(database.execute(std::string(scripts[version])));
        TITANS_TRY_VOID(database.execute(std::format("PRAGMA user_version = {}", version + 1)));
        TITANS_TRY_VOID(transaction.commit());
    }
}

}  // namespace

Result<void> migrate_characters(Database& database) { return migrate(database, kCharacterScripts); }

Result<void> migrate_vectors(Database& database) { return migrate(database, kVectorScripts); }

}  // namespace titans::store::sqlite
