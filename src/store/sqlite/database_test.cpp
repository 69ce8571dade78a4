#include "store/sqlite/database.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "foundation/temporary_folder_for_test.h"

namespace titans::store::sqlite {
namespace {

constexpr std::chrono::seconds kPatience(5);

class DatabaseTest : public ::testing::Test {
protected:
    std::filesystem::path path() const { return folder_ / "test.db"; }

    TemporaryFolder folder_;
};

std::string pragma(Database& database, const std::string& name) {
    auto statement = database.prepare("PRAGMA " + name);
    EXPECT_TRUE(statement && *statement->step());
    return std::string(statement->text(0));
}

TEST_F(DatabaseTest, SyncsEveryCommitOfAWriteAheadLogAndEnforcesForeignKeys) {
    auto database = Database::open(path(), Database::Access::ReadWrite, kPatience);
    ASSERT_TRUE(database);
    EXPECT_EQ(pragma(*database, "journal_mode"), "wal");
    EXPECT_EQ(pragma(*database, "synchronous"), "2");
    EXPECT_EQ(pragma(*database, "foreign_keys"), "1");
}

TEST_F(DatabaseTest, KeepsItsFileFromOtherUsers) {
    auto database = Database::open(path(), Database::Access::ReadWrite, kPatience);
    ASSERT_TRUE(database->execute("CREATE TABLE t (x)"));
    struct stat status{};
    ASSERT_EQ(::stat(path().c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
    ASSERT_EQ(::stat((path().string() + "-wal").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600U);
}

TEST_F(DatabaseTest, BindsEveryKindOfValueAndReadsItBack) {
    auto database = Database::open(path(), Database::Access::ReadWrite, kPatience);
    ASSERT_TRUE(
        database->execute("CREATE TABLE t (a INTEGER NOT NULL, b TEXT NOT NULL, c BLOB NOT NULL)"));
    auto insert = database->prepare("INSERT INTO t VALUES (?, ?, ?)");
    const std::string text("a'; DROP TABLE t; --\0x", 22);
    const std::vector<std::byte> blob{std::byte{0}, std::byte{255}};
    ASSERT_TRUE(insert->bind(std::int64_t{1} << 40, text, std::span<const std::byte>(blob)).run());
    ASSERT_TRUE(insert->bind(2, std::string_view(), std::span<const std::byte>()).run());
    auto select = database->prepare("SELECT a, b, c FROM t ORDER BY rowid");
    ASSERT_EQ(select->step(), true);
    EXPECT_EQ(select->integer(0), std::int64_t{1} << 40);
    EXPECT_EQ(select->text(1), text);
    EXPECT_TRUE(std::ranges::equal(select->blob(2), blob));
    ASSERT_EQ(select->step(), true);
    EXPECT_EQ(select->text(1), "");
    EXPECT_EQ(select->step(), false);
}

TEST_F(DatabaseTest, RollsBackWhatIsNotCommitted) {
    auto database = Database::open(path(), Database::Access::ReadWrite, kPatience);
    ASSERT_TRUE(database->execute("CREATE TABLE t (x)"));
    {
        auto transaction = Transaction::begin(*database);
        ASSERT_TRUE(transaction);
        ASSERT_TRUE(database->execute("INSERT INTO t VALUES (1)"));
    }
    auto transaction = Transaction::begin(*database);
    ASSERT_TRUE(database->execute("INSERT INTO t VALUES (2)"));
    ASSERT_TRUE(transaction->commit());
    auto select = database->prepare("SELECT group_concat(x) FROM t");
    ASSERT_EQ(select->step(), true);
    EXPECT_EQ(select->text(0), "2");
}

TEST_F(DatabaseTest, DoesNotWriteThroughAReader) {
    auto writer = Database::open(path(), Database::Access::ReadWrite, kPatience);
    ASSERT_TRUE(writer->execute("CREATE TABLE t (x)"));
    auto reader = Database::open(path(), Database::Access::ReadOnly, kPatience);
    ASSERT_TRUE(reader);
    EXPECT_FALSE(reader->execute("INSERT INTO t VALUES (1)"));
}

TEST_F(DatabaseTest, SaysWhatIsNoDatabaseWithoutNamingItsPath) {
    std::ofstream(path()) << std::string(5000, 'x');
    const auto garbage = Database::open(path(), Database::Access::ReadWrite, kPatience);
    ASSERT_FALSE(garbage);
    EXPECT_EQ(garbage.error().kind, ErrorKind::Internal);
    EXPECT_EQ(garbage.error().message.find(folder_.path().string()), std::string::npos);
    EXPECT_FALSE(
        Database::open(folder_ / "missing" / "x.db", Database::Access::ReadWrite, kPatience));
    EXPECT_FALSE(Database::open(folder_ / "missing.db", Database::Access::ReadOnly, kPatience));
}

}  // namespace
}  // namespace titans::store::sqlite
