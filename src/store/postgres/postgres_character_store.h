#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "execution/executor.h"
#include "store/character_store.h"
#include "store/postgres/connection.h"

namespace titans::store {

/// Characters in a PostgreSQL database with pgvector, in a schema `titans` of its own. All SQL runs
/// on the executor, which must outlive the store, on a connection for each of its threads.
///
/// A lost server answers Busy; the next call connects anew. Several servers may use one database.
class PostgresCharacterStore final : public CharacterStore {
public:
    using Options = postgres::Options;

    /// Makes the schema or brings it up to date. Blocks; waits `start_wait` for a server that is
    /// down or has not started yet.
    /// Errors: InvalidInput, for what the person must set right (user, password, database,
    /// rights, pgvector); Busy, if the server cannot be reached; Internal, if the schema is of a
    /// newer Titans.
    static Result<std::unique_ptr<PostgresCharacterStore>> open(Options options,
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
    Task<Result<std::string>> identity() override;
    Task<Result<void>> check() override;

private:
    PostgresCharacterStore(Options options, Executor& executor)
        : options_(std::move(options)), executor_(executor) {}

    /// job(Connection&) on the executor, in a transaction that is committed if the job succeeds.
    /// The job runs again if another transaction was in its way.
    template <typename Job>
    auto transact(postgres::Transaction::Mode mode, Job job);
    /// A connection on which a transaction has begun.
    Result<std::unique_ptr<postgres::Connection>> begin(postgres::Transaction::Mode mode);
    std::unique_ptr<postgres::Connection> take_idle();
    void give_back(std::unique_ptr<postgres::Connection> connection);

    const Options options_;
    Executor& executor_;
    std::mutex mutex_;  // guards idle_
    std::vector<std::unique_ptr<postgres::Connection>> idle_;
};

}  // namespace titans::store
