#include "store/postgres/postgres_character_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <format>
#include <thread>

#include "execution/on_loop.h"
#include "foundation/units.h"
#include "store/postgres/server_for_test.h"

namespace titans::store {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class PostgresCharacterStoreTest : public ::testing::Test {
protected:
    void SetUp() override {
        auto server = postgres::ServerForTest::shared();
        if (!server && server.error().kind == ErrorKind::Unsupported)
            GTEST_SKIP() << "PostgreSQL cannot run here: " << server.error().message;
        ASSERT_TRUE(server) << server.error().message << ": " << server.error().detail;
        server_ = *server;
        options_ = server_->make_database();
    }

    auto open() { return PostgresCharacterStore::open(options_, executor_); }
    Error refusal() {
        auto store = open();
        if (store) return {ErrorKind::Internal, "it was opened"};
        return store.error();
    }
    std::unique_ptr<postgres::Connection> connect() {
        return postgres::Connection::open(options_).value();
    }
    static Result<CharacterId> create(CharacterStore& store, NewCharacter character) {
        return on_loop<Result<CharacterId>>([&] { return store.create(character); });
    }
    static Result<CharacterRecord> find(CharacterStore& store, CharacterId id) {
        return on_loop<Result<CharacterRecord>>([&] { return store.find(id); });
    }
    static Result<void> check(CharacterStore& store) {
        return on_loop<Result<void>>([&] { return store.check(); });
    }
    std::int64_t rows_of(const std::string& table) {
        const auto rows = connect()->query(("SELECT count(*) FROM " + table).c_str());
        return rows.value().integer(0, 0);
    }

    postgres::ServerForTest* server_ = nullptr;
    PostgresCharacterStore::Options options_;
    Executor executor_{{.name = "store", .threads = 2}};
};

TEST_F(PostgresCharacterStoreTest, MayBeOpenedByManyServersAtOnce) {
    std::vector<Result<std::unique_ptr<PostgresCharacterStore>>> stores(4);
    {
        std::vector<std::jthread> threads;
        for (auto& store : stores) threads.emplace_back([&] { store = open(); });
    }
    for (const auto& store : stores) ASSERT_TRUE(store) << store.error().detail;
    // Each once, without a gap.
    EXPECT_EQ(rows_of("migration"),
              rows_of("generate_series(1, (SELECT max(version) FROM migration))"));
    EXPECT_GT(rows_of("migration"), 0);
    EXPECT_EQ(create(**stores[0], {.name = "a", .slug_base = "same"})->value, 1);
    const auto second = create(**stores[1], {.name = "a", .slug_base = "same"});
    EXPECT_EQ(find(**stores[2], *second)->slug, "same-2");
}

TEST_F(PostgresCharacterStoreTest, MakesUniqueSlugsForServersThatWriteAtOnce) {
    auto first = open().value();
    auto second = open().value();
    {
        std::vector<std::jthread> threads;
        for (PostgresCharacterStore* store : {first.get(), second.get(), first.get()}) {
            threads.emplace_back([store] {
                for (int i = 0; i < 10; ++i)
                    EXPECT_TRUE(create(*store, {.name = "a", .slug_base = "same"}));
            });
        }
    }
    EXPECT_EQ(rows_of("character"), 30);
}

TEST_F(PostgresCharacterStoreTest, RefusesADatabaseOfANewerProgram) {
    ASSERT_TRUE(open());
    server_->run(options_, {"INSERT INTO migration (version) VALUES (1000)"});
    EXPECT_EQ(refusal().kind, ErrorKind::Internal);
    EXPECT_EQ(refusal().message, "the database was made by a newer version of Titans");
}

TEST_F(PostgresCharacterStoreTest, TellsApartWhatIsWrongWithTheSettings) {
    const auto good = options_;
    options_.password = Secret("not-this-one");
    Error error = refusal();
    EXPECT_EQ(error.kind, ErrorKind::InvalidInput);
    EXPECT_THAT(error.message, AllOf(HasSubstr("DB_USER and DB_PASSWORD"), HasSubstr("DB_HOST=")));
    EXPECT_THAT(error.message + error.detail, Not(HasSubstr("not-this-one")));

    options_.password = Secret();
    EXPECT_THAT(refusal().message, HasSubstr("DB_USER and DB_PASSWORD"));

    options_ = good;
    options_.name = "host=elsewhere dbname=x";  // a name, no connection string
    error = refusal();
    EXPECT_EQ(error.kind, ErrorKind::InvalidInput);
    EXPECT_THAT(error.message,
                AllOf(HasSubstr("no such database"), HasSubstr("DB_NAME=host=elsewhere dbname=x")));

    server_->run(good, {"CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0"});
    options_.name = "latin";
    EXPECT_THAT(refusal().message, HasSubstr("UTF8"));
}

TEST_F(PostgresCharacterStoreTest, SaysWhatASuperuserMustRun) {
    const auto superuser = options_;
    server_->run(superuser, {"CREATE ROLE plain LOGIN PASSWORD 'plain'"});
    options_.user = "plain";
    options_.password = Secret("plain");
    Error error = refusal();
    EXPECT_EQ(error.kind, ErrorKind::InvalidInput);
    EXPECT_THAT(error.message, HasSubstr("CREATE EXTENSION vector"));
    server_->run(superuser, {"CREATE SCHEMA elsewhere", "GRANT USAGE ON SCHEMA elsewhere TO plain",
                             "CREATE EXTENSION vector SCHEMA elsewhere"});
    error = refusal();
    EXPECT_EQ(error.kind, ErrorKind::InvalidInput);
    const std::size_t statement = error.message.find("GRANT CREATE ON DATABASE");
    ASSERT_NE(statement, std::string::npos) << error.message;
    server_->run(superuser, {error.message.substr(statement)});
    auto store = open();
    ASSERT_TRUE(store) << store.error().message << store.error().detail;
    EXPECT_TRUE(create(**store, {.name = "n", .passages = {{"p", {"w"}}}}));
    EXPECT_TRUE(on_loop<Result<void>>([&] { return (*store)->save_vectors("m", {{1, {1, 0}}}); }));
    const auto near = on_loop<Result<std::vector<ScoredPassage>>>(
        [&] { return (*store)->search_vectors({1}, "m", {1, 0}, 1); });
    ASSERT_TRUE(near);
    EXPECT_EQ(near->size(), 1U);
    store->reset();
    server_->run(superuser, {"DROP OWNED BY plain CASCADE", "DROP ROLE plain"});
}

TEST_F(PostgresCharacterStoreTest, NamesTheServerThatItCannotReach) {
    // Bound and never listening: nobody else takes the port, and nobody answers there.
    const int holder = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    socklen_t size = sizeof address;
    ASSERT_EQ(::bind(holder, reinterpret_cast<sockaddr*>(&address), size), 0);
    ASSERT_EQ(::getsockname(holder, reinterpret_cast<sockaddr*>(&address), &size), 0);
    options_.host = "127.0.0.1";
    options_.port = ntohs(address.sin_port);
    options_.start_wait = std::chrono::milliseconds(300);
    const auto start = Clock::now();
    const Error error = refusal();
    EXPECT_GE(since(start).count(), 50);  // it has tried again
    EXPECT_EQ(error.kind, ErrorKind::Busy);
    EXPECT_EQ(error.message,
              std::format("PostgreSQL cannot be reached at DB_HOST=127.0.0.1 DB_PORT={} DB_NAME={}",
                          options_.port, options_.name));

    // Listening and never answering.
    ASSERT_EQ(::listen(holder, 8), 0);
    options_.connect_timeout = std::chrono::milliseconds(100);
    EXPECT_EQ(refusal().detail, "no answer in time");
    ::close(holder);
}

TEST_F(PostgresCharacterStoreTest, WaitsForAServerThatStartsLater) {
    server_->stop();
    Result<std::unique_ptr<PostgresCharacterStore>> store;
    {
        const std::jthread opening([&] { store = open(); });
        ASSERT_TRUE(server_->start());
    }
    EXPECT_TRUE(store) << store.error().message;
}

TEST_F(PostgresCharacterStoreTest, IsBusyWhileTheServerIsDownAndWorksAgainWhenItIsBack) {
    auto store = open().value();
    const auto id = create(*store, {.name = "Ada"});
    ASSERT_TRUE(id);
    server_->stop();
    for (int i = 0; i < 2; ++i) {
        const auto none = find(*store, *id);
        ASSERT_FALSE(none);
        EXPECT_EQ(none.error().kind, ErrorKind::Busy);
        EXPECT_EQ(none.error().message, "the database cannot be reached now");
    }
    EXPECT_EQ(create(*store, {.name = "Bea"}).error().kind, ErrorKind::Busy);
    EXPECT_EQ(check(*store).error().kind, ErrorKind::Busy);
    ASSERT_TRUE(server_->start());
    ASSERT_TRUE(find(*store, *id));
    EXPECT_EQ(find(*store, *id)->name, "Ada");
    EXPECT_TRUE(create(*store, {.name = "Bea"}));
}

TEST_F(PostgresCharacterStoreTest, DoesNotNoticeAServerThatWentAndCameBackBetweenTwoCalls) {
    auto store = open().value();
    const auto id = create(*store, {.name = "Ada"});
    server_->kill();
    ASSERT_TRUE(server_->start());
    EXPECT_TRUE(find(*store, *id));
    server_->kill();
    ASSERT_TRUE(server_->start());
    EXPECT_TRUE(create(*store, {.name = "Bea"}));
}

TEST_F(PostgresCharacterStoreTest, IsBusyIfTheServerIsLostWithinATransaction) {
    auto store = open().value();
    server_->run(options_,
                 {"CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
                  "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'",
                  "CREATE TRIGGER fault BEFORE INSERT ON passage EXECUTE FUNCTION die()"});
    const auto created = create(*store, {.name = "Ada", .passages = {{"p", {"w"}}}});
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().kind, ErrorKind::Busy);
    EXPECT_EQ(created.error().message, "the database cannot be reached now");
    EXPECT_TRUE(check(*store));
    EXPECT_EQ(rows_of("character"), 0);
}

TEST_F(PostgresCharacterStoreTest, SaysThatACommitWithoutAnAnswerMayHaveHappened) {
    auto store = open().value();
    server_->run(options_, {"CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN "
                            "PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END'",
                            "CREATE CONSTRAINT TRIGGER fault AFTER INSERT ON character DEFERRABLE "
                            "INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION die()"});
    const auto created = create(*store, {.name = "Ada"});
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().kind, ErrorKind::Busy);
    EXPECT_THAT(created.error().message, HasSubstr("unknown whether"));
}

TEST_F(PostgresCharacterStoreTest, LosesNothingWhereKnowledgeChangesWhileOthersUseIt) {
    auto first = open().value();
    auto second = open().value();
    const std::vector<NewPassage> passages(50, {"text", {"word"}});
    const CharacterId id = create(*first, {.name = "Ada", .passages = passages}).value();
    std::atomic<bool> done = false;
    {
        const std::jthread embedding([&] {
            while (!done) {
                const auto page = on_loop<Result<std::vector<Passage>>>(
                    [&] { return second->without_vector({0}, "m", 30); });
                ASSERT_TRUE(page) << page.error().detail;
                std::vector<PassageVector> vectors;
                for (const Passage& passage : *page) vectors.push_back({passage.id, {1, 0}});
                const auto saved =
                    on_loop<Result<void>>([&] { return second->save_vectors("m", vectors); });
                ASSERT_TRUE(saved) << saved.error().detail;
            }
        });
        const std::jthread searching([&] {
            while (!done) {
                const auto found = on_loop<Result<std::vector<ScoredPassage>>>(
                    [&] { return second->search_words(id, {"word"}, 100); });
                ASSERT_TRUE(found) << found.error().detail;
                EXPECT_EQ(found->size(), 50U);  // the old or the new ones, never some of each
            }
        });
        for (int i = 0; i < 20; ++i) {
            const auto changed = on_loop<Result<CharacterRecord>>([&] {
                return first->update(id,
                                     {.knowledge = KnowledgeChange::Replace, .passages = passages});
            });
            EXPECT_TRUE(changed) << changed.error().detail;
        }
        done = true;
    }
    EXPECT_EQ(rows_of("passage"), 50);
    EXPECT_TRUE(on_loop<Result<void>>([&] { return first->remove(id); }));
    for (const char* table : {"passage", "passage_word", "passage_vector"})
        EXPECT_EQ(rows_of(table), 0) << table;
}

TEST_F(PostgresCharacterStoreTest, TriesAgainWhereOthersWereFirst) {
    auto store = open().value();
    for (const char* state : {"40001", "40P01"}) {
        server_->run(
            options_,
            {"CREATE SEQUENCE attempts",
             std::format("CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS "
                         "'BEGIN IF nextval(''titans.attempts'') <= 2 THEN RAISE EXCEPTION USING "
                         "ERRCODE = ''{}''; END IF; RETURN NEW; END'",
                         state),
             "CREATE OR REPLACE TRIGGER fault BEFORE INSERT ON passage EXECUTE FUNCTION fault()"});
        const auto id = create(*store, {.name = "Ada", .passages = {{"p", {"w"}}}});
        EXPECT_TRUE(id) << id.error().detail;
        server_->run(options_, {"ALTER SEQUENCE attempts RESTART MINVALUE -100 START -100"});
        const auto never = create(*store, {.name = "Ada", .passages = {{"p", {"w"}}}});
        ASSERT_FALSE(never);
        EXPECT_EQ(never.error().kind, ErrorKind::Busy);
        server_->run(options_, {"DROP SEQUENCE attempts"});
    }
    EXPECT_EQ(rows_of("character"), 2);
}

TEST_F(PostgresCharacterStoreTest, FailsWhenTheDiskIsFull) {
    auto store = open().value();
    server_->run(options_, {"CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                            "'BEGIN RAISE EXCEPTION USING ERRCODE = ''53100''; END'",
                            "CREATE TRIGGER fault BEFORE INSERT ON session_turn EXECUTE FUNCTION "
                            "full_disk()"});
    const auto id = create(*store, {.name = "Ada"});
    const auto added = on_loop<Result<void>>(
        [&] { return store->add_session_turn(*id, "session", {"question", "answer"}); });
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().kind, ErrorKind::Internal);
    EXPECT_THAT(added.error().detail, HasSubstr("53100"));
    EXPECT_TRUE(check(*store));
}

TEST_F(PostgresCharacterStoreTest, LeavesNothingOfACreationThatFails) {
    auto store = open().value();
    server_->run(options_, {"ALTER TABLE passage ADD CHECK (text <> 'bad')"});
    const auto with = [&](std::string last) {
        return create(*store, {.name = "n",
                               .style = {{"q", "r"}},
                               .passages = {{"good", {"word"}}, {std::move(last), {"word"}}}});
    };
    const auto failed = with("bad");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::Internal);
    EXPECT_EQ(failed.error().message, "the database failed");
    for (const char* table : {"character", "style_example", "passage", "passage_word"})
        EXPECT_EQ(rows_of(table), 0) << table;
    EXPECT_TRUE(with("fine"));
}

TEST_F(PostgresCharacterStoreTest, EndsAStatementThatTakesTooLong) {
    auto store = open().value();
    options_.statement_timeout = std::chrono::milliseconds(100);
    auto hasty = open().value();
    const auto id = create(*store, {.name = "Ada"});
    auto blocker = connect();
    ASSERT_TRUE(postgres::Transaction::begin(*blocker, postgres::Transaction::Mode::ReadWrite));
    const postgres::Transaction transaction(*blocker);
    ASSERT_TRUE(blocker->run("LOCK TABLE character IN ACCESS EXCLUSIVE MODE"));
    const auto found = find(*hasty, *id);
    ASSERT_FALSE(found);
    EXPECT_EQ(found.error().kind, ErrorKind::Busy);
    EXPECT_EQ(found.error().message, "the database is too busy now");
}

TEST_F(PostgresCharacterStoreTest, GivesUpAServerThatDoesNotAnswerAtAll) {
    ASSERT_TRUE(open());
    options_.statement_timeout = std::chrono::milliseconds(100);
    auto connection = connect();
    const auto process = connection->query("SELECT pg_backend_pid()::bigint");
    const auto pid = static_cast<pid_t>(process->integer(0, 0));
    ASSERT_EQ(::kill(pid, SIGSTOP), 0);
    const auto answer = connection->run("SELECT 1");
    EXPECT_TRUE(connection->lost());
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::Busy);
    ::kill(pid, SIGCONT);
}

TEST_F(PostgresCharacterStoreTest, TakesAnotherConnectionWhereItsOwnDoesNotAnswer) {
    options_.connect_timeout = std::chrono::seconds(2);
    auto store = open().value();
    const auto id = create(*store, {.name = "Ada"});
    ASSERT_TRUE(id);
    const auto process = connect()->query(
        "SELECT pid::bigint FROM pg_stat_activity WHERE datname = current_database() AND pid <> "
        "pg_backend_pid()");
    ASSERT_EQ(process->size(), 1);
    const auto pid = static_cast<pid_t>(process->integer(0, 0));
    ASSERT_EQ(::kill(pid, SIGSTOP), 0);
    EXPECT_TRUE(find(*store, *id));
    ::kill(pid, SIGCONT);
}

TEST_F(PostgresCharacterStoreTest, StoresEveryTextAsItIs) {
    auto store = open().value();
    std::string every;
    for (char32_t c = 1; c < 0x30000; c += 7) {
        if (c >= 0xD800 && c < 0xE000) continue;
        if (c < 0x80) {
            every += static_cast<char>(c);
        } else if (c < 0x800) {
            every += {static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))};
        } else if (c < 0x10000) {
            every += {static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                      static_cast<char>(0x80 | (c & 0x3F))};
        } else {
            every +=
                {static_cast<char>(0xF0 | c >> 18), static_cast<char>(0x80 | (c >> 12 & 0x3F)),
                 static_cast<char>(0x80 | (c >> 6 & 0x3F)), static_cast<char>(0x80 | (c & 0x3F))};
        }
    }
    for (const std::string& text :
         {std::string("'; DROP TABLE character; --"), std::string("\\'\"$1 $$ %s {} E'\\000'"),
          std::string(1 << 20, 'x'), every, std::string()}) {
        const auto id = create(*store, {.name = text,
                                        .llm_config = text,
                                        .style = {{text, text}},
                                        .passages = {{text, {"w"}}}});
        ASSERT_TRUE(id) << id.error().detail;
        const auto record = find(*store, *id);
        EXPECT_TRUE(record->name == text);
        EXPECT_TRUE(record->llm_config == text);
        EXPECT_TRUE(record->style.at(0).response == text);
        const auto found = on_loop<Result<std::vector<ScoredPassage>>>(
            [&] { return store->search_words(*id, {"w"}, 1); });
        EXPECT_TRUE(found->at(0).passage.text == text);
        ASSERT_TRUE(on_loop<Result<void>>(
            [&] { return store->add_session_turn(*id, text, {text, text}); }));
        const auto turns = on_loop<Result<std::vector<SessionTurn>>>(
            [&] { return store->session_turns(*id, text, 3); });
        ASSERT_EQ(turns->size(), 1U);
        EXPECT_TRUE(turns->at(0).answer == text);
    }
}

TEST_F(PostgresCharacterStoreTest, RefusesATextThatItCannotStore) {
    auto store = open().value();
    for (const std::string& text : {std::string("a\0b", 3), std::string("\xC3(")}) {
        const auto id = create(*store, {.name = text});
        ASSERT_FALSE(id);
        EXPECT_EQ(id.error().kind, ErrorKind::InvalidInput);
        EXPECT_EQ(id.error().message, "a text cannot be stored: it holds U+0000 or is not UTF-8");
    }
    EXPECT_TRUE(check(*store));
}

TEST_F(PostgresCharacterStoreTest, IgnoresAWordThatNoIndexCanHold) {
    auto store = open().value();
    const std::string endless(1 << 20, 'w');
    const auto id = create(*store, {.name = "n", .passages = {{"p", {endless, "short"}}}});
    ASSERT_TRUE(id);
    const auto found = on_loop<Result<std::vector<ScoredPassage>>>(
        [&] { return store->search_words(*id, {"short", endless}, 5); });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->size(), 1U);
}

TEST_F(PostgresCharacterStoreTest, KeepsVectorsOfEverySize) {
    auto store = open().value();
    const auto id = create(*store, {.name = "n", .passages = {{"p", {"w"}}}});
    for (const std::size_t size : {1, 384, 1024, 3072}) {
        const std::string model = std::format("model-{}", size);
        std::vector<float> vector(size, 0.0F);
        vector.back() = 1;
        ASSERT_TRUE(on_loop<Result<void>>(
            [&] { return store->save_vectors(model, {{1, vector}, {1, vector}}); }));
        const auto near = on_loop<Result<std::vector<ScoredPassage>>>(
            [&] { return store->search_vectors(*id, model, vector, 1); });
        ASSERT_TRUE(near);
        EXPECT_EQ(near->at(0).score, 1);
    }
}

}  // namespace
}  // namespace titans::store
