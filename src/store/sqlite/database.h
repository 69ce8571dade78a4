#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "foundation/error.h"

struct sqlite3;
struct sqlite3_stmt;

namespace titans::store::sqlite {

struct DatabaseCloser {
    void operator()(sqlite3* database) const noexcept;
};
struct StatementFinalizer {
    void operator()(sqlite3_stmt* statement) const noexcept;
};

/// A prepared statement. Text and blobs read from it are views until the next step() or reset().
class Statement {
public:
    explicit Statement(sqlite3_stmt* statement) : handle_(statement) {}

    /// Binds all parameters in order and makes the statement ready to run (again). Values are
    /// copied.
    template <typename... Values>
    Statement& bind(const Values&... values) {
        reset();
        int index = 0;
        (bind_one(++index, values), ...);
        return *this;
    }

    /// True: there is a row to read. False: done.
    Result<bool> step();
    /// For statements without rows.
    Result<void> run();

    std::int64_t integer(int column) const;
    double real(int column) const;
    std::string_view text(int column) const;
    std::span<const std::byte> blob(int column) const;
    bool is_null(int column) const;

private:
    void reset();
    void bind_one(int index, std::int64_t value);
    void bind_one(int index, int value) { bind_one(index, static_cast<std::int64_t>(value)); }
    void bind_one(int index, std::string_view value);
    void bind_one(int index, const std::string& value) { bind_one(index, std::string_view(value)); }
    void bind_one(int index, std::span<const std::byte> value);

    std::unique_ptr<sqlite3_stmt, StatementFinalizer> handle_;
};

/// A connection to a database file. Not thread-safe; movable between threads. Errors of all: Busy
/// if another connection locks for too long what is needed; Internal.
class Database {
public:
    enum class Access : std::uint8_t { ReadWrite, ReadOnly };

    /// ReadWrite makes the file (readable by this user only) if it is missing. Write-ahead log,
    /// every commit synced, foreign keys enforced. What another connection locks is waited for as
    /// long as `patience`. Errors: Busy; Internal.
    static Result<Database> open(const std::filesystem::path& path, Access access,
                                 std::chrono::milliseconds patience);

    /// Makes the tables of another file known here as `name`.TABLE.
    Result<void> attach(const std::filesystem::path& path, std::string_view name);

    Result<Statement> prepare(std::string_view sql);
    /// One or more statements without parameters.
    Result<void> execute(const std::string& sql);
    std::int64_t last_insert_id() const;
    /// The rows that the last statement changed.
    std::int64_t changes() const;

    sqlite3* handle() { return handle_.get(); }

private:
    explicit Database(sqlite3* handle) : handle_(handle) {}

    std::unique_ptr<sqlite3, DatabaseCloser> handle_;
};

/// Rolls back unless committed.
class Transaction {
public:
    /// Takes the write lock at once, so that it cannot fail later for want of it.
    static Result<Transaction> begin(Database& database);
    Transaction(Transaction&& other) noexcept
        : database_(std::exchange(other.database_, nullptr)) {}
    Transaction& operator=(Transaction&&) = delete;
    ~Transaction();

    /// Returns when it is on the disk.
    Result<void> commit();

private:
    explicit Transaction(Database& database) : database_(&database) {}

    Database* database_;
};

}  // namespace titans::store::sqlite
