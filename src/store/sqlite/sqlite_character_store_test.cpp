#include "store/sqlite/sqlite_character_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>

#include <csignal>
#include <format>
#include <fstream>
#include <latch>
#include <thread>

#include "execution/on_loop.h"
#include "foundation/temporary_folder_for_test.h"

namespace titans::store {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::chrono::seconds kPatience(5);

class SqliteCharacterStoreTest : public ::testing::Test {
protected:
    using Store = std::unique_ptr<SqliteCharacterStore>;

    Result<Store> open() {
        return SqliteCharacterStore::open(path(), vectors_path(), executor_, kPatience);
    }
    std::filesystem::path path() const { return folder_ / "titans.db"; }
    std::filesystem::path vectors_path() const { return folder_ / "vectors.db"; }
    sqlite::Database connect(const std::filesystem::path& file) {
        return sqlite::Database::open(file, sqlite::Database::Access::ReadWrite, kPatience).value();
    }
    void execute(const std::filesystem::path& file, const std::string& sql) {
        const auto done = connect(file).execute(sql);
        ASSERT_TRUE(done) << done.error().detail;
    }
    std::int64_t number(const std::filesystem::path& file, const std::string& sql) {
        sqlite::Database database = connect(file);
        auto statement = database.prepare(sql);
        EXPECT_TRUE(statement && *statement->step());
        return statement->integer(0);
    }

    static Result<CharacterId> try_create(const Store& store, std::vector<NewPassage> passages) {
        return on_loop<Result<CharacterId>>(
            [&] { return store->create({.name = "n", .passages = passages}); });
    }
    static CharacterId create(const Store& store, std::vector<NewPassage> passages) {
        return try_create(store, std::move(passages)).value();
    }
    static Result<CharacterRecord> replace(const Store& store, CharacterId id,
                                           std::vector<NewPassage> passages) {
        return on_loop<Result<CharacterRecord>>([&] {
            return store->update(id, {.knowledge = KnowledgeChange::Replace, .passages = passages});
        });
    }
    static std::vector<Passage> without_vector(const Store& store) {
        return on_loop<Result<std::vector<Passage>>>(
                   [&] { return store->without_vector({0}, "m", 100); })
            .value();
    }
    /// The nth gets a vector that is nearer to {1, 0} than those before.
    static void embed_all(const Store& store) {
        std::vector<PassageVector> vectors;
        float x = 0;
        for (const Passage& passage : without_vector(store))
            vectors.push_back({passage.id, {x += 0.1F, 0}});
        ASSERT_TRUE(on_loop<Result<void>>([&] { return store->save_vectors("m", vectors); }));
    }
    static std::vector<std::string> texts(const Result<std::vector<ScoredPassage>>& passages) {
        std::vector<std::string> texts;
        for (const ScoredPassage& scored : passages.value()) texts.push_back(scored.passage.text);
        return texts;
    }
    static std::vector<std::string> near(const Store& store, CharacterId id, int limit = 10) {
        return texts(on_loop<Result<std::vector<ScoredPassage>>>(
            [&] { return store->search_vectors(id, "m", {1, 0}, limit); }));
    }
    static std::vector<std::string> found(const Store& store, CharacterId id, std::string word) {
        return texts(on_loop<Result<std::vector<ScoredPassage>>>(
            [&] { return store->search_words(id, {word}, 10); }));
    }

    TemporaryFolder folder_;
    Executor executor_{{.name = "store", .threads = 2}};
};

TEST_F(SqliteCharacterStoreTest, RefusesADatabaseOfANewerProgram) {
    for (const auto& file : {path(), vectors_path()}) {
        ASSERT_TRUE(open());
        const std::int64_t version = number(file, "PRAGMA user_version");
        execute(file, "PRAGMA user_version = 1000");
        const auto store = open();
        ASSERT_FALSE(store);
        EXPECT_EQ(store.error().message, "the database was made by a newer version of Titans");
        execute(file, std::format("PRAGMA user_version = {}", version));
    }
}

TEST_F(SqliteCharacterStoreTest, RefusesAFileThatIsNoDatabase) {
    for (const auto& file : {path(), vectors_path()}) {
        std::ofstream(file) << std::string(10000, '?');
        ASSERT_FALSE(open());
        EXPECT_EQ(open().error().kind, ErrorKind::Internal);
        std::filesystem::remove(file);
    }
}

TEST_F(SqliteCharacterStoreTest, BringsTheFirstSchemaUpToDate) {
    execute(path(), R"sql(
CREATE TABLE character (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, slug TEXT UNIQUE,
    llm_model TEXT NOT NULL, llm_config TEXT NOT NULL, voice_cloning_settings TEXT NOT NULL,
    stt_settings TEXT NOT NULL, image_file TEXT NOT NULL, voice_file TEXT NOT NULL,
    created_at TEXT NOT NULL, words INTEGER NOT NULL);
CREATE TABLE style_example (
    character_id INTEGER NOT NULL REFERENCES character ON DELETE CASCADE,
    position INTEGER NOT NULL, question TEXT NOT NULL, response TEXT NOT NULL,
    PRIMARY KEY (character_id, position)) WITHOUT ROWID;
CREATE TABLE passage (id INTEGER PRIMARY KEY AUTOINCREMENT,
    character_id INTEGER NOT NULL REFERENCES character ON DELETE CASCADE, text TEXT NOT NULL);
CREATE INDEX passage_of_character ON passage (character_id);
CREATE VIRTUAL TABLE passage_words USING fts5 (words, content = '', contentless_delete = 1,
    tokenize = "ascii tokenchars '!""#$%&''()*+,-./:;<=>?@[\]^_`{|}~'");
CREATE TABLE model (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE passage_vector (passage_id INTEGER NOT NULL REFERENCES passage ON DELETE CASCADE,
    model_id INTEGER NOT NULL REFERENCES model, vector BLOB NOT NULL,
    UNIQUE (passage_id, model_id));
INSERT INTO character VALUES (1, 'Ada', 'ada', '', '{}', '{}', '{}', '', '', '2024-01-01', 3),
                             (2, 'Bob', 'bob', '', '{}', '{}', '{}', '', '', '2024-01-01', 1),
                             (3, 'Eve', 'eve', '', '{}', '{}', '{}', '', '', '2024-01-01', 0);
INSERT INTO passage VALUES (1, 1, 'one'), (2, 1, 'two'), (3, 2, 'three');
INSERT INTO passage_words (rowid, words) VALUES (1, 'hill'), (2, 'hill sea'), (3, 'hill');
INSERT INTO model VALUES (1, 'm');
INSERT INTO passage_vector VALUES (1, 1, x'0000803f00000000');
PRAGMA user_version = 1;
)sql");
    const Store store = open().value();
    EXPECT_THAT(found(store, {1}, "hill"), ElementsAre("one", "two"));
    EXPECT_THAT(found(store, {2}, "hill"), ElementsAre("three"));
    EXPECT_THAT(found(store, {3}, "hill"), IsEmpty());
    EXPECT_EQ(without_vector(store).size(), 3U);
    embed_all(store);
    EXPECT_THAT(near(store, {1}), ElementsAre("two", "one"));
    ASSERT_TRUE(replace(store, {1}, {{"four", {"hill"}}}));
    EXPECT_THAT(found(store, {1}, "hill"), ElementsAre("four"));
    EXPECT_THAT(found(store, {2}, "hill"), ElementsAre("three"));
}

TEST_F(SqliteCharacterStoreTest, OpensInManyPlacesAtOnce) {
    for (int round = 0; round < 10; ++round) {
        std::latch start(6);
        std::vector<std::jthread> threads;
        for (int i = 0; i < 6; ++i) {
            threads.emplace_back([&] {
                start.arrive_and_wait();
                const auto store = open();
                EXPECT_TRUE(store) << store.error().detail;
            });
        }
        threads.clear();
        for (const char* file : {"titans.db", "vectors.db"})
            std::filesystem::remove(folder_ / file);
    }
}

TEST_F(SqliteCharacterStoreTest, EmbedsAgainWhatALostFileOfVectorsHeld) {
    Store store = open().value();
    const CharacterId id = create(store, {{"one", {"w"}}, {"two", {"w"}}});
    embed_all(store);
    EXPECT_THAT(near(store, id), ElementsAre("two", "one"));
    store.reset();
    EXPECT_EQ(number(vectors_path(), "SELECT count(*) FROM passage_vector"), 2);
    std::filesystem::remove(vectors_path());
    store = open().value();
    EXPECT_THAT(near(store, id), IsEmpty());
    EXPECT_EQ(without_vector(store).size(), 2U);
    embed_all(store);
    EXPECT_THAT(near(store, id), ElementsAre("two", "one"));
}

TEST_F(SqliteCharacterStoreTest, NeverUsesTheVectorsOfAnotherDatabase) {
    Store store = open().value();
    create(store, {{"one", {"w"}}});
    embed_all(store);
    store.reset();
    std::filesystem::remove(path());
    store = open().value();
    const CharacterId id = create(store, {{"another", {"w"}}});
    EXPECT_THAT(near(store, id), IsEmpty());
    EXPECT_EQ(without_vector(store).size(), 1U);
}

TEST_F(SqliteCharacterStoreTest, NeverFindsVectorsOfPassagesThatAreGoneAndSweepsThemAtOpening) {
    Store store = open().value();
    const CharacterId id = create(store, {{"one", {"w"}}, {"two", {"w"}}});
    const CharacterId removed = create(store, {{"three", {"w"}}});
    embed_all(store);
    EXPECT_EQ(near(store, id, 2).size(), 2U);
    execute(vectors_path(),
            "CREATE TRIGGER fault BEFORE DELETE ON passage_vector "
            "BEGIN SELECT RAISE(ABORT, 'fault'); END");
    ASSERT_TRUE(replace(store, id, {{"four", {"w"}}}));
    EXPECT_THAT(near(store, id, 2), IsEmpty());
    embed_all(store);
    EXPECT_THAT(near(store, id, 2), ElementsAre("four"));
    ASSERT_TRUE(on_loop<Result<void>>([&] { return store->remove(removed); }));
    execute(vectors_path(), "DROP TRIGGER fault");
    EXPECT_EQ(number(vectors_path(), "SELECT count(*) FROM passage_vector"), 4);
    store.reset();
    store = open().value();
    EXPECT_EQ(number(vectors_path(), "SELECT count(*) FROM passage_vector"), 1);
    EXPECT_EQ(number(vectors_path(), "SELECT count(*) FROM version"), 1);
    EXPECT_THAT(near(store, id), ElementsAre("four"));
}

TEST_F(SqliteCharacterStoreTest, RemovesVectorsWithTheirPassages) {
    const Store store = open().value();
    const CharacterId id = create(store, {{"one", {"w"}}, {"two", {"w"}}});
    const CharacterId other = create(store, {{"three", {"w"}}});
    embed_all(store);
    ASSERT_TRUE(replace(store, id, {{"four", {"w"}}}));
    EXPECT_EQ(number(vectors_path(), "SELECT count(*) FROM passage_vector"), 1);
    embed_all(store);
    ASSERT_TRUE(on_loop<Result<void>>([&] { return store->remove(id); }));
    EXPECT_EQ(number(vectors_path(), "SELECT count(*) FROM passage_vector"), 1);
    EXPECT_THAT(near(store, other), ElementsAre("three"));
    for (const char* table : {"passage", "passage_words", "passage_range"})
        EXPECT_EQ(number(path(), std::format("SELECT count(*) FROM {}", table)), 1) << table;
}

TEST_F(SqliteCharacterStoreTest, SeesWhatAnotherProcessChangesOfVectorsThatItKeepsInMemory) {
    const Store store = open().value();
    const Store another = open().value();
    const CharacterId id = create(store, {{"one", {"w"}}, {"two", {"w"}}});
    embed_all(store);
    EXPECT_THAT(near(store, id), ElementsAre("two", "one"));
    const std::int64_t first = number(path(), "SELECT min(id) FROM passage");
    ASSERT_TRUE(on_loop<Result<void>>([&] {
        return another->save_vectors("m", std::vector<PassageVector>{{first, {0.9F, 0}}});
    }));
    EXPECT_THAT(near(store, id), ElementsAre("one", "two"));
    ASSERT_TRUE(replace(another, id, {{"three", {"w"}}}));
    EXPECT_THAT(near(store, id), IsEmpty());
    embed_all(another);
    EXPECT_THAT(near(store, id), ElementsAre("three"));
}

TEST_F(SqliteCharacterStoreTest, IsBusyWhileAnotherProcessKeepsTheDatabaseAndWorksAfterwards) {
    const Store store =
        SqliteCharacterStore::open(path(), vectors_path(), executor_, std::chrono::milliseconds(20))
            .value();
    const CharacterId id = create(store, {{"one", {"w"}}});
    {
        sqlite::Database other = connect(path());
        const auto transaction = sqlite::Transaction::begin(other);
        const auto refused = try_create(store, {{"two", {"w"}}});
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::Busy);
        EXPECT_THAT(found(store, id, "w"), ElementsAre("one"));
    }
    {
        sqlite::Database other = connect(vectors_path());
        const auto transaction = sqlite::Transaction::begin(other);
        const auto refused = on_loop<Result<void>>([&] { return store->save_vectors("m", {}); });
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().kind, ErrorKind::Busy);
        EXPECT_THAT(near(store, id), IsEmpty());
    }
    embed_all(store);
    EXPECT_THAT(near(store, id), ElementsAre("one"));
    EXPECT_TRUE(try_create(store, {}));
}

/// As long as it lives, no file of this process grows beyond `bytes`: writing fails as it does on
/// a disk that is full.
class FullDisk {
public:
    explicit FullDisk(std::uintmax_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
        ::getrlimit(RLIMIT_FSIZE, &before_);
        const rlimit small{.rlim_cur = bytes, .rlim_max = before_.rlim_max};
        ::setrlimit(RLIMIT_FSIZE, &small);
    }
    FullDisk(const FullDisk&) = delete;
    FullDisk& operator=(const FullDisk&) = delete;
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, handler_);
    }

private:
    void (*handler_)(int);
    rlimit before_{};
};

TEST_F(SqliteCharacterStoreTest, LeavesNothingOfWhatDoesNotFitOnTheDiskAndWorksAfterwards) {
    const Store store = open().value();
    const CharacterId id = create(store, {{"one", {"w"}}});
    embed_all(store);
    std::vector<NewPassage> many;
    for (int i = 0; i < 2000; ++i)
        many.push_back({std::string(1000, 'x'), {"w", std::format("word{}", i)}});
    const std::vector<PassageVector> vectors{{1, std::vector<float>(100'000)}};
    const auto big_update = [&](KnowledgeChange change) {
        return on_loop<Result<CharacterRecord>>([&] {
            return store->update(id, {.name = "changed", .knowledge = change, .passages = many});
        });
    };
    {
        const FullDisk full(200'000);
        const auto expect_failure = [](const auto& result) {
            ASSERT_FALSE(result);
            EXPECT_EQ(result.error().kind, ErrorKind::Internal);
            EXPECT_EQ(result.error().message, "the database failed");
            EXPECT_NE(result.error().detail, "");
        };
        expect_failure(try_create(store, many));
        expect_failure(big_update(KnowledgeChange::Append));
        expect_failure(big_update(KnowledgeChange::Replace));
        expect_failure(on_loop<Result<void>>([&] { return store->save_vectors("m", vectors); }));
        EXPECT_THAT(found(store, id, "w"), ElementsAre("one"));
        EXPECT_THAT(near(store, id), ElementsAre("one"));
    }
    EXPECT_EQ(number(path(), "SELECT count(*) FROM character"), 1);
    EXPECT_EQ(on_loop<Result<CharacterRecord>>([&] { return store->find(id); })->name, "n");
    EXPECT_TRUE(big_update(KnowledgeChange::Append));
    EXPECT_EQ(number(path(), "SELECT count(*) FROM passage_words"), 2001);
    EXPECT_EQ(number(path(),
                     "SELECT count(*) FROM pragma_integrity_check "
                     "WHERE integrity_check <> 'ok'"),
              0);
}

TEST_F(SqliteCharacterStoreTest, ForgetsTurnsByTheirAge) {
    const Store store = open().value();
    const CharacterId id = create(store, {});
    for (const char* question : {"old", "young"}) {
        ASSERT_TRUE(on_loop<Result<void>>(
            [&] { return store->add_session_turn(id, "s", {question, "a"}); }));
    }
    execute(path(),
            "UPDATE session_turn SET created_ms = created_ms - 31 * 86400000 "
            "WHERE question = 'old'");
    ASSERT_TRUE(
        on_loop<Result<void>>([&] { return store->forget_session_turns(std::chrono::days(30)); }));
    const auto turns = on_loop<Result<std::vector<SessionTurn>>>(
        [&] { return store->session_turns(id, "s", 10); });
    ASSERT_EQ(turns->size(), 1U);
    EXPECT_EQ(turns->front().question, "young");
}

TEST_F(SqliteCharacterStoreTest, LeavesNothingOfACreationThatFails) {
    const Store store = open().value();
    execute(path(),
            "CREATE TRIGGER fault BEFORE INSERT ON passage WHEN NEW.text = 'bad' "
            "BEGIN SELECT RAISE(ABORT, 'fault'); END");
    const auto create = [&](std::string last) {
        return on_loop<Result<CharacterId>>([&] {
            return store->create({.name = "n",
                                  .style = {{"q", "r"}},
                                  .passages = {{"good", {"word"}}, {last, {"word"}}}});
        });
    };
    const auto failed = create("bad");
    ASSERT_FALSE(failed);
    EXPECT_EQ(failed.error().kind, ErrorKind::Internal);
    EXPECT_EQ(failed.error().message, "the database failed");
    for (const char* table :
         {"character", "style_example", "passage", "passage_words", "passage_range"})
        EXPECT_EQ(number(path(), std::format("SELECT count(*) FROM {}", table)), 0) << table;
    EXPECT_TRUE(create("fine"));
}

TEST_F(SqliteCharacterStoreTest, AnswersSearchesWhileAnotherWrites) {
    const Store store = open().value();
    const CharacterId id = create(store, {{"text", {"word"}}});
    sqlite::Database database = connect(path());
    const auto transaction = sqlite::Transaction::begin(database);
    ASSERT_TRUE(database.execute("UPDATE character SET name = 'half'"));
    const auto found = on_loop<Result<CharacterRecord>>([&] { return store->find(id); });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "n");
}

}  // namespace
}  // namespace titans::store
