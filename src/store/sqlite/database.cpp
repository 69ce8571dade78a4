#include "store/sqlite/database.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <cstring>
#include <format>
#include <thread>

namespace titans::store::sqlite {

namespace {

std::unexpected<Error> failure(sqlite3* database, int code) {
    const int primary = code & 0xff;  // of an extended code
    const bool busy = primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
    const char* words = database != nullptr ? sqlite3_errmsg(database) : sqlite3_errstr(code);
    const char* message = busy                     ? "the database is busy"
                          : primary == SQLITE_FULL ? "the server's disk is full"
                                                   : "the database failed";
    return fail(busy ? ErrorKind::Busy : ErrorKind::Internal, message,
                std::format("sqlite {}: {}", code, words));
}

Result<void> try_write_ahead_log(Database& database) {
    TITANS_TRY(Statement mode, database.prepare("PRAGMA journal_mode = WAL"));
    TITANS_TRY(const bool row, mode.step());
    if (row && mode.text(0) == "wal") return {};
    return fail(ErrorKind::Internal, "the database cannot be opened",
                "its file system has no shared memory");
}

/// SQLite itself does not wait for others that do the same to a new file.
Result<void> use_write_ahead_log(Database& database, std::chrono::milliseconds patience) {
    const auto deadline = std::chrono::steady_clock::now() + patience;
    while (true) {
        Result<void> done = try_write_ahead_log(database);
        if (done || done.error().kind != ErrorKind::Busy ||
            std::chrono::steady_clock::now() >= deadline) {
            return done;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
}

}  // namespace

void DatabaseCloser::operator()(sqlite3* database) const noexcept { sqlite3_close_v2(database); }
void StatementFinalizer::operator()(sqlite3_stmt* statement) const noexcept {
    sqlite3_finalize(statement);
}

Result<bool> Statement::step() {
    const int code = sqlite3_step(handle_.get());
    if (code == SQLITE_ROW) return true;
    if (code == SQLITE_DONE) return false;
    return failure(sqlite3_db_handle(handle_.get()), code);
}

Result<void> Statement::run() {
    TITANS_TRY([[maybe_unused]] const bool row, step());
    assert(!row);
    return {};
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(handle_.get(), column);
}

double Statement::real(int column) const { return sqlite3_column_double(handle_.get(), column); }

std::string_view Statement::text(int column) const {
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(handle_.get(), column));
    if (text == nullptr) return {};
    return {text, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

std::span<const std::byte> Statement::blob(int column) const {
    const auto* bytes = static_cast<const std::byte*>(sqlite3_column_blob(handle_.get(), column));
    return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(handle_.get(), column))};
}

bool Statement::is_null(int column) const {
    return sqlite3_column_type(handle_.get(), column) == SQLITE_NULL;
}

void Statement::reset() { sqlite3_reset(handle_.get()); }

// Binding fails only for an index that the statement has not, or without memory: then the parameter
// stays NULL, which the schema refuses.
void Statement::bind_one(int index, std::int64_t value) {
    [[maybe_unused]] const int code = sqlite3_bind_int64(handle_.get(), index, value);
    assert(code == SQLITE_OK);
}

void Statement::bind_one(int index, std::string_view value) {
    // A null pointer would bind NULL instead of the empty text.
    const char* text = value.data() != nullptr ? value.data() : "";
    [[maybe_unused]] const int code = sqlite3_bind_text64(handle_.get(), index, text, value.size(),
                                                          SQLITE_TRANSIENT, SQLITE_UTF8);
    assert(code == SQLITE_OK);
}

void Statement::bind_one(int index, std::span<const std::byte> value) {
    [[maybe_unused]] const int code = sqlite3_bind_blob64(
        handle_.get(), index, value.empty() ? static_cast<const void*>("") : value.data(),
        value.size(), SQLITE_TRANSIENT);
    assert(code == SQLITE_OK);
}

Result<Database> Database::open(const std::filesystem::path& path, Access access,
                                std::chrono::milliseconds patience) {
    if (access == Access::ReadWrite) {
        // SQLite would make the file readable by others; its side files take the rights of this
        // one.
        const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (file < 0)
            return fail(ErrorKind::Internal, "the database cannot be opened", std::strerror(errno));
        ::close(file);
    }
    const int flags = (access == Access::ReadWrite ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY) |
                      SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    sqlite3* handle = nullptr;
    const int code = sqlite3_open_v2(path.c_str(), &handle, flags, nullptr);
    Database database(handle);
    if (code != SQLITE_OK) return failure(handle, code);
    sqlite3_busy_timeout(handle, static_cast<int>(patience.count()));
    sqlite3_db_config(handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
    TITANS_TRY_VOID(database.execute("PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF;"));
    if (access == Access::ReadWrite) {
        TITANS_TRY_VOID(use_write_ahead_log(database, patience));
        TITANS_TRY_VOID(
            database.execute("PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864;"));
    }
    return database;
}

Result<void> Database::attach(const std::filesystem::path& path, std::string_view name) {
    TITANS_TRY(Statement statement, prepare("ATTACH ? AS ?"));
    return statement.bind(std::string_view(path.native()), name).run();
}

Result<Statement> Database::prepare(std::string_view sql) {
    sqlite3_stmt* statement = nullptr;
    const int code = sqlite3_prepare_v3(handle_.get(), sql.data(), static_cast<int>(sql.size()), 0,
                                        &statement, nullptr);
    if (code != SQLITE_OK) return failure(handle_.get(), code);
    return Statement(statement);
}

Result<void> Database::execute(const std::string& sql) {
    const int code = sqlite3_exec(handle_.get(), sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) return failure(handle_.get(), code);
    return {};
}

std::int64_t Database::last_insert_id() const { return sqlite3_last_insert_rowid(handle_.get()); }

std::int64_t Database::changes() const { return sqlite3_changes64(handle_.get()); }

Result<Transaction> Transaction::begin(Database& database) {
    TITANS_TRY_VOID(database.execute("BEGIN IMMEDIATE"));
    return Transaction(database);
}

Transaction::~Transaction() {
    // A failed ROLLBACK means that SQLite has rolled back already.
    if (database_ != nullptr) [[maybe_unused]]
        const auto rolled_back = database_->execute("ROLLBACK");
}

Result<void> Transaction::commit() {
    TITANS_TRY_VOID(database_->execute("COMMIT"));
    database_ = nullptr;
    return {};
}

}  // namespace titans::store::sqlite
