#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <mutex>
#include <vector>

#include "execution/executor.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"
#include "store/sqlite/passages.h"
#include "store/sqlite/vector_search.h"

namespace titans::store {

/// Characters in one SQLite file and the vectors of their passages in another. All SQL runs on the
/// executor, which must outlive the store; with two threads or more there, searches do not wait for
/// a character that is being created. Several processes may share the files.
///
/// Vectors can be computed again: when their file is lost, of another database or older than this
/// one, the passages that it lacks have no vectors, and that is all.
class SqliteCharacterStore final : public CharacterStore {
public:
    /// Makes the files (their folders must be there) or brings their schemas up to date. What
    /// another process locks is waited for as long as `patience`, then and later. Blocks.
    /// Errors: Internal, if one is no database, or of a newer Titans; Busy.
    static Result<std::unique_ptr<SqliteCharacterStore>> open(
        const std::filesystem::path& path, const std::filesystem::path& vectors_path,
        Executor& executor, std::chrono::milliseconds patience = std::chrono::seconds(5));

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
    Task<Result<std::string>> identity() override;
    Task<Result<void>> check() override;

private:
    struct Files {
        std::filesystem::path characters;
        std::filesystem::path vectors;
        std::chrono::milliseconds patience;
    };
    /// The connections that write, one to each file: what is written to both is not one
    /// transaction.
    struct Writer {
        sqlite::Database characters;
        sqlite::Database vectors;
    };

    SqliteCharacterStore(Files files, Executor& executor, Writer writer)
        : files_(std::move(files)), executor_(executor), writer_(std::move(writer)) {}

    static Result<sqlite::Database> open_reader(const Files& files);

    /// job(Writer&) on the executor, one at a time.
    template <typename Job>
    auto write(Job job);
    /// job(Database&) on the executor, with a connection to both files of its own.
    template <typename Job>
    auto read(Job job);
    Result<sqlite::Database> take_reader();
    void give_back(sqlite::Database reader);
    void forget_vectors(CharacterId id, const std::vector<sqlite::PassageRange>& gone);

    const Files files_;
    Executor& executor_;
    sqlite::VectorSearch vector_search_{std::size_t{64} << 20};
    std::mutex writer_mutex_;  // guards writer_
    Writer writer_;
    std::mutex readers_mutex_;               // guards readers_
    std::vector<sqlite::Database> readers_;  // those not in use
};

}  // namespace titans::store
