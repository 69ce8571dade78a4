#include "store/sqlite/sqlite_character_store.h"

#include <gtest/gtest.h>

#include <fstream>

#include "execution/on_loop.h"
#include "foundation/temporary_folder_for_test.h"

namespace titans::store {
namespace {

constexpr std::chrono::seconds kPatience(5);

class SqliteCharacterStoreTest : public ::testing::Test {
protected:
    auto open() { return SqliteCharacterStore::open(folder_ / "titans.db", executor_); }

    TemporaryFolder folder_;
    Executor executor_{{.name = "store", .threads = 2}};
};

TEST_F(SqliteCharacterStoreTest, RefusesADatabaseOfANewerProgram) {
    ASSERT_TRUE(open());
    {
        auto database = sqlite::Database::open(folder_ / "titans.db",
                                               sqlite::Database::Access::ReadWrite, kPatience);
        ASSERT_TRUE(database->execute("PRAGMA user_version = 1000"));
    }
    const auto store = open();
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().message, "the database was made by a newer version of Titans");
}

TEST_F(SqliteCharacterStoreTest, RefusesAFileThatIsNoDatabase) {
    std::ofstream(folder_ / "titans.db") << std::string(10000, '?');
    ASSERT_FALSE(open());
    EXPECT_EQ(open().error().kind, ErrorKind::Internal);
}

TEST_F(SqliteCharacterStoreTest, LeavesNothingOfACreationThatFails) {
    auto store = open().value();
    auto database = sqlite::Database::open(folder_ / "titans.db",
                                           sqlite::Database::Access::ReadWrite, kPatience);
    ASSERT_TRUE(
        database->execute("CREATE TRIGGER fault BEFORE INSERT ON passage WHEN NEW.text = 'bad' "
                          "BEGIN SELECT RAISE(ABORT, 'fault'); END"));
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
    for (const char* table : {"character", "style_example", "passage", "passage_words"}) {
        auto count = database->prepare(std::format("SELECT count(*) FROM {}", table));
        ASSERT_EQ(count->step(), true);
        EXPECT_EQ(count->integer(0), 0) << table;
    }
    EXPECT_TRUE(create("fine"));
}

TEST_F(SqliteCharacterStoreTest, AnswersSearchesWhileAnotherWrites) {
    auto store = open().value();
    const auto id = on_loop<Result<CharacterId>>(
        [&] { return store->create({.name = "n", .passages = {{"text", {"word"}}}}); });
    auto database = sqlite::Database::open(folder_ / "titans.db",
                                           sqlite::Database::Access::ReadWrite, kPatience);
    auto transaction = sqlite::Transaction::begin(*database);
    ASSERT_TRUE(database->execute("UPDATE character SET name = 'half'"));
    const auto found = on_loop<Result<CharacterRecord>>([&] { return store->find(*id); });
    ASSERT_TRUE(found);
    EXPECT_EQ(found->name, "n");
}

}  // namespace
}  // namespace titans::store
