#include "store/sqlite/sqlite_character_store.h"

#include <type_traits>
#include <utility>

#include "foundation/log.h"
#include "store/sqlite/characters.h"
#include "store/sqlite/migrations.h"
#include "store/sqlite/sessions.h"
#include "store/sqlite/vectors.h"
#include "store/sqlite/word_score.h"
#include "store/sqlite/word_search.h"

namespace titans::store {

using sqlite::Database;
using sqlite::PassageRange;
using sqlite::Statement;

Result<std::unique_ptr<SqliteCharacterStore>> SqliteCharacterStore::open(
    const std::filesystem::path& path, const std::filesystem::path& vectors_path,
    Executor& executor, std::chrono::milliseconds patience) {
    Files files{path, vectors_path, patience};
    TITANS_TRY(Database characters, Database::open(path, Database::Access::ReadWrite, patience));
    TITANS_TRY_VOID(sqlite::migrate_characters(characters));
    TITANS_TRY(Database vectors, sqlite::open_vectors(vectors_path, path, patience));
    return std::unique_ptr<SqliteCharacterStore>(new SqliteCharacterStore(
        std::move(files), executor, {std::move(characters), std::move(vectors)}));
}

Result<Database> SqliteCharacterStore::open_reader(const Files& files) {
    TITANS_TRY(Database reader,
               Database::open(files.characters, Database::Access::ReadOnly, files.patience));
    TITANS_TRY_VOID(sqlite::register_word_score(reader));
    TITANS_TRY_VOID(reader.attach(files.vectors, "vectors"));
    return reader;
}

Result<Database> SqliteCharacterStore::take_reader() {
    {
        const std::lock_guard lock(readers_mutex_);
        if (!readers_.empty()) {
            Database reader = std::move(readers_.back());
            readers_.pop_back();
            return reader;
        }
    }
    return open_reader(files_);
}

void SqliteCharacterStore::give_back(Database reader) {
    const std::lock_guard lock(readers_mutex_);
    readers_.push_back(std::move(reader));
}

template <typename Job>
auto SqliteCharacterStore::write(Job job) {
    return run_on(executor_, [this, job = std::move(job)]() mutable {
        const std::lock_guard lock(writer_mutex_);
        return job(writer_);
    });
}

template <typename Job>
auto SqliteCharacterStore::read(Job job) {
    return run_on(executor_,
                  [this, job = std::move(job)]() mutable -> std::invoke_result_t<Job&, Database&> {
                      TITANS_TRY(Database reader, take_reader());
                      // One transaction, so that all its statements see the same state.
                      TITANS_TRY_VOID(reader.execute("BEGIN"));
                      auto result = job(reader);
                      if (reader.execute("ROLLBACK")) give_back(std::move(reader));
                      return result;
                  });
}

void SqliteCharacterStore::forget_vectors(CharacterId id, const std::vector<PassageRange>& gone) {
    vector_search_.forget(id);
    if (gone.empty()) return;
    // They are gone for every search; only their place on the disk is at stake.
    if (const auto erased = sqlite::erase_vectors(writer_.vectors, gone); !erased)
        log::warn("vectors.not_removed", "detail=\"{}\"", erased.error().detail);
}

Task<Result<CharacterId>> SqliteCharacterStore::create(NewCharacter character) {
    co_return co_await write([character = std::move(character)](Writer& writer) {
        return sqlite::insert_character(writer.characters, character);
    });
}

Task<Result<CharacterRecord>> SqliteCharacterStore::find(CharacterId id) {
    co_return co_await read(
        [id](Database& database) { return sqlite::select_character(database, id); });
}

Task<Result<std::vector<CharacterRecord>>> SqliteCharacterStore::list() {
    co_return co_await read(sqlite::select_characters);
}

Task<Result<CharacterRecord>> SqliteCharacterStore::update(CharacterId id, CharacterChange change) {
    co_return co_await write(
        [this, id, change = std::move(change)](Writer& writer) -> Result<CharacterRecord> {
            TITANS_TRY(sqlite::Updated updated,
                       sqlite::update_character(writer.characters, id, change));
            forget_vectors(id, updated.gone);
            return std::move(updated).before;
        });
}

Task<Result<void>> SqliteCharacterStore::remove(CharacterId id) {
    co_return co_await write([this, id](Writer& writer) -> Result<void> {
        TITANS_TRY(const std::vector<PassageRange> gone,
                   sqlite::erase_character(writer.characters, id));
        forget_vectors(id, gone);
        return {};
    });
}

Task<Result<std::vector<std::string>>> SqliteCharacterStore::file_names() {
    co_return co_await read(sqlite::select_file_names);
}

Task<Result<WordCounts>> SqliteCharacterStore::count_words(CharacterId id,
                                                           std::vector<std::string> words) {
    co_return co_await read([id, words = std::move(words)](Database& database) {
        return sqlite::count_words(database, id, words);
    });
}

Task<Result<std::vector<ScoredPassage>>> SqliteCharacterStore::search_words(
    CharacterId id, std::vector<std::string> words, int limit) {
    co_return co_await read([id, limit, words = std::move(words)](Database& database) mutable {
        return sqlite::search_words(database, id, std::move(words), limit);
    });
}

Task<Result<std::vector<ScoredPassage>>> SqliteCharacterStore::search_vectors(
    CharacterId id, std::string model, std::vector<float> query, int limit) {
    co_return co_await read(
        [this, id, limit, model = std::move(model), query = std::move(query)](Database& database) {
            return vector_search_.search(database, id, model, query, limit);
        });
}

Task<Result<std::vector<Passage>>> SqliteCharacterStore::without_vector(CharacterId id,
                                                                        std::string model,
                                                                        int limit) {
    co_return co_await read([id, limit, model = std::move(model)](Database& database) {
        return sqlite::select_without_vector(database, id, model, limit);
    });
}

Task<Result<void>> SqliteCharacterStore::save_vectors(std::string model,
                                                      std::vector<PassageVector> vectors) {
    co_return co_await write(
        [model = std::move(model), vectors = std::move(vectors)](Writer& writer) {
            return sqlite::insert_vectors(writer.characters, writer.vectors, model, vectors);
        });
}

Task<Result<std::vector<SessionTurn>>> SqliteCharacterStore::session_turns(CharacterId id,
                                                                           std::string session,
                                                                           int limit) {
    co_return co_await read([id, limit, session = std::move(session)](Database& database) {
        return sqlite::select_turns(database, id, session, limit);
    });
}

Task<Result<void>> SqliteCharacterStore::add_session_turn(CharacterId id, std::string session,
                                                          SessionTurn turn) {
    co_return co_await write(
        [id, session = std::move(session), turn = std::move(turn)](Writer& writer) {
            return sqlite::insert_turn(writer.characters, id, session, turn);
        });
}

Task<Result<void>> SqliteCharacterStore::forget_session_turns(std::chrono::seconds age) {
    co_return co_await write(
        [age](Writer& writer) { return sqlite::erase_turns(writer.characters, age); });
}

Task<Result<std::string>> SqliteCharacterStore::identity() {
    co_return co_await read([](Database& database) -> Result<std::string> {
        TITANS_TRY(Statement statement, database.prepare("SELECT lower(hex(id)) FROM identity"));
        TITANS_TRY([[maybe_unused]] const bool row, statement.step());
        return std::string(statement.text(0));
    });
}

Task<Result<void>> SqliteCharacterStore::check() {
    co_return co_await read([](Database& database) -> Result<void> {
        TITANS_TRY(Statement statement, database.prepare("SELECT 1 FROM character LIMIT 1"));
        TITANS_TRY([[maybe_unused]] const bool row, statement.step());
        return {};
    });
}

}  // namespace titans::store
