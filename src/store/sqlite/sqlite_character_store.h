#pragma once

#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "execution/executor.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"

namespace titans::store {

/// Characters in one SQLite file. All SQL runs on the executor, which must outlive the store; with
/// two threads or more there, searches do not wait for a character that is being created.
class SqliteCharacterStore final : public CharacterStore {
public:
    /// Makes the file at `path` (its folder must be there) or brings its schema up to date. Blocks.
    /// Errors: Internal, if it is no database, or of a newer Titans.
    static Result<std::unique_ptr<SqliteCharacterStore>> open(const std::filesystem::path& path,
                                                              Executor& executor);

    Task<Result<CharacterId>> create(NewCharacter character) override;
    Task<Result<CharacterRecord>> find(CharacterId id) override;
    Task<Result<std::vector<CharacterRecord>>> list() override;
    Task<Result<CharacterRecord>> update(CharacterId id, CharacterChange change) override;
    Task<Result<void>> remove(CharacterId id) override;
    Task<Result<std::vector<std::string>>> file_names() override;
    Task<Result<WordCounts>> count_words(CharacterId id, std::vector<std::string> words) override;
    Task<Result<std::vector<ScoredPassage>>> search_words(CharacterId id,
                                                          std::vector<std::string> words,
                                                          int limit) override;
    Task<Result<std::vector<ScoredPassage>>> search_vectors(CharacterId id, std::string model,
                                                            std::vector<float> query,
                                                            int limit) override;
    Task<Result<std::vector<Passage>>> without_vector(CharacterId id, std::string model,
                                                      int limit) override;
    Task<Result<void>> save_vectors(std::string model, std::vector<PassageVector> vectors) override;
    Task<Result<std::vector<SessionTurn>>> session_turns(CharacterId id, std::string session,
                                                         int limit) override;
    Task<Result<void>> add_session_turn(CharacterId id, std::string session,
                                        SessionTurn turn) override;
    Task<Result<void>> forget_session_turns(std::chrono::seconds age) override;
    Task<Result<void>> check() override;

private:
    SqliteCharacterStore(std::filesystem::path path, Executor& executor, sqlite::Database writer)
        : path_(std::move(path)), executor_(executor), writer_(std::move(writer)) {}

    /// job(Database&) on the executor, with the one connection that writes.
    template <typename Job>
    auto write(Job job);
    /// job(Database&) on the executor, with a connection of its own.
    template <typename Job>
    auto read(Job job);
    Result<sqlite::Database> take_reader();
    void give_back(sqlite::Database reader);

    const std::filesystem::path path_;
    Executor& executor_;
    std::mutex writer_mutex_;  // guards writer_
    sqlite::Database writer_;
    std::mutex readers_mutex_;               // guards readers_
    std::vector<sqlite::Database> readers_;  // those not in use
};

}  // namespace titans::store
