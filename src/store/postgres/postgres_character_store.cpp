#include "store/postgres/postgres_character_store.h"

#include <thread>
#include <type_traits>
#include <utility>

#include "foundation/log.h"
#include "foundation/units.h"
#include "store/postgres/characters.h"
#include "store/postgres/migrations.h"
#include "store/postgres/sessions.h"
#include "store/postgres/vectors.h"
#include "store/postgres/word_index.h"

namespace titans::store {

using postgres::Connection;
using postgres::Transaction;

Result<std::unique_ptr<PostgresCharacterStore>> PostgresCharacterStore::open(Options options,
                                                                             Executor& executor) {
    constexpr std::chrono::milliseconds kPause{250};
    const Clock::time_point deadline = Clock::now() + options.start_wait;
    const auto prepare = [&]() -> Result<void> {
        TITANS_TRY(const auto connection, Connection::open(options));
        return postgres::migrate(*connection);
    };
    for (bool first = true;; first = false) {
        auto prepared = prepare();
        if (prepared) break;
        if (prepared.error().kind != ErrorKind::Busy || Clock::now() + kPause > deadline)
            return std::unexpected(std::move(prepared).error());
        if (first) {
            log::warn("store.waiting", "for_s={} why=\"{}\" {}",
                      std::chrono::ceil<std::chrono::seconds>(options.start_wait).count(),
                      prepared.error().message, prepared.error().detail);
        }
        std::this_thread::sleep_for(kPause);
    }
    return std::unique_ptr<PostgresCharacterStore>(
        new PostgresCharacterStore(std::move(options), executor));
}

std::unique_ptr<Connection> PostgresCharacterStore::take_idle() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return nullptr;
    auto connection = std::move(idle_.back());
    idle_.pop_back();
    return connection;
}

void PostgresCharacterStore::give_back(std::unique_ptr<Connection> connection) {
    const std::lock_guard lock(mutex_);
    if (connection->lost()) {
        idle_.clear();  // those are likely lost too
    } else {
        idle_.push_back(std::move(connection));
    }
}

Result<std::unique_ptr<Connection>> PostgresCharacterStore::begin(Transaction::Mode mode) {
    if (auto connection = take_idle()) {
        auto begun = Transaction::begin(*connection, mode);
        if (begun) return connection;
        const bool lost = connection->lost();
        give_back(std::move(connection));
        if (!lost) return std::unexpected(std::move(begun).error());
        // Nothing had been asked of it yet: a new one may do.
    }
    auto connection = Connection::open(options_);
    if (!connection) {
        // Whatever it is, it has changed since we started: nothing that a client could set right.
        return fail(ErrorKind::Busy, "the database cannot be reached now",
                    connection.error().message + ": " + connection.error().detail);
    }
    TITANS_TRY_VOID(Transaction::begin(**connection, mode));
    return connection;
}

template <typename Job>
auto PostgresCharacterStore::transact(Transaction::Mode mode, Job job) {
    return run_on(
        executor_,
        [this, mode, job = std::move(job)]() -> std::invoke_result_t<const Job&, Connection&> {
            constexpr int kAttempts = 4;
            for (int attempt = 1;; ++attempt) {
                TITANS_TRY(auto connection, begin(mode));
                std::invoke_result_t<const Job&, Connection&> answer;
                bool again = false;
                {
                    Transaction transaction(*connection);
                    answer = job(*connection);
                    if (answer) {
                        if (auto committed = transaction.commit(); !committed)
                            answer = std::unexpected(std::move(committed).error());
                    }
                    again = !answer && connection->conflicted() && attempt < kAttempts;
                }
                give_back(std::move(connection));
                if (!again) return answer;
            }
        });
}

Task<Result<CharacterId>> PostgresCharacterStore::create(NewCharacter character) {
    co_return co_await transact(Transaction::Mode::ReadWrite,
                                [character = std::move(character)](Connection& connection) {
                                    return postgres::insert_character(connection, character);
                                });
}

Task<Result<CharacterRecord>> PostgresCharacterStore::find(CharacterId id) {
    co_return co_await transact(Transaction::Mode::ReadOnly, [id](Connection& connection) {
        return postgres::select_character(connection, id);
    });
}

Task<Result<std::vector<CharacterRecord>>> PostgresCharacterStore::list() {
    co_return co_await transact(Transaction::Mode::ReadOnly, [](Connection& connection) {
        return postgres::select_characters(connection);
    });
}

Task<Result<CharacterRecord>> PostgresCharacterStore::update(CharacterId id,
                                                             CharacterChange change) {
    co_return co_await transact(Transaction::Mode::ReadWrite,
                                [id, change = std::move(change)](Connection& connection) {
                                    return postgres::update_character(connection, id, change);
                                });
}

Task<Result<void>> PostgresCharacterStore::remove(CharacterId id) {
    co_return co_await transact(Transaction::Mode::ReadWrite, [id](Connection& connection) {
        return postgres::erase_character(connection, id);
    });
}

Task<Result<std::vector<std::string>>> PostgresCharacterStore::file_names() {
    co_return co_await transact(Transaction::Mode::ReadOnly, [](Connection& connection) {
        return postgres::select_file_names(connection);
    });
}

Task<Result<WordCounts>> PostgresCharacterStore::count_words(CharacterId id,
                                                             std::vector<std::string> words) {
    co_return co_await transact(Transaction::Mode::ReadOnly,
                                [id, words = std::move(words)](Connection& connection) {
                                    return postgres::count_words(connection, id, words);
                                });
}

Task<Result<std::vector<ScoredPassage>>> PostgresCharacterStore::search_words(
    CharacterId id, std::vector<std::string> words, int limit) {
    co_return co_await transact(Transaction::Mode::ReadOnly,
                                [id, limit, words = std::move(words)](Connection& connection) {
                                    return postgres::search_words(connection, id, words, limit);
                                });
}

Task<Result<std::vector<ScoredPassage>>> PostgresCharacterStore::search_vectors(
    CharacterId id, std::string model, std::vector<float> query, int limit) {
    co_return co_await transact(
        Transaction::Mode::ReadOnly,
        [id, limit, model = std::move(model), query = std::move(query)](Connection& connection) {
            return postgres::search_vectors(connection, id, model, query, limit);
        });
}

Task<Result<std::vector<Passage>>> PostgresCharacterStore::without_vector(CharacterId id,
                                                                          std::string model,
                                                                          int limit) {
    co_return co_await transact(
        Transaction::Mode::ReadOnly, [id, limit, model = std::move(model)](Connection& connection) {
            return postgres::select_without_vector(connection, id, model, limit);
        });
}

Task<Result<void>> PostgresCharacterStore::save_vectors(std::string model,
                                                        std::vector<PassageVector> vectors) {
    co_return co_await transact(
        Transaction::Mode::ReadWrite,
        [model = std::move(model), vectors = std::move(vectors)](Connection& connection) {
            return postgres::insert_vectors(connection, model, vectors);
        });
}

Task<Result<std::vector<SessionTurn>>> PostgresCharacterStore::session_turns(CharacterId id,
                                                                             std::string session,
                                                                             int limit) {
    co_return co_await transact(Transaction::Mode::ReadOnly,
                                [id, limit, session = std::move(session)](Connection& connection) {
                                    return postgres::select_turns(connection, id, session, limit);
                                });
}

Task<Result<void>> PostgresCharacterStore::add_session_turn(CharacterId id, std::string session,
                                                            SessionTurn turn) {
    co_return co_await transact(
        Transaction::Mode::ReadWrite,
        [id, session = std::move(session), turn = std::move(turn)](Connection& connection) {
            return postgres::insert_turn(connection, id, session, turn);
        });
}

Task<Result<void>> PostgresCharacterStore::forget_session_turns(std::chrono::seconds age) {
    co_return co_await transact(Transaction::Mode::ReadWrite, [age](Connection& connection) {
        return postgres::erase_turns(connection, age);
    });
}

Task<Result<std::string>> PostgresCharacterStore::identity() {
    co_return co_await transact(
        Transaction::Mode::ReadOnly, [](Connection& connection) -> Result<std::string> {
            TITANS_TRY(const postgres::Rows rows, connection.query("SELECT id FROM identity"));
            return std::string(rows.text(0, 0));
        });
}

Task<Result<void>> PostgresCharacterStore::check() {
    co_return co_await transact(Transaction::Mode::ReadOnly,
                                [](Connection& connection) { return connection.run("SELECT 1"); });
}

}  // namespace titans::store
