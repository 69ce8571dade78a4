#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "foundation/secret.h"

struct pg_conn;
struct pg_result;

namespace titans::store::postgres {

/// Which database, and how long to wait for it.
struct Options {
    std::string name;
    std::string user;  // empty: libpq's own choice
    Secret password;
    std::string host = "localhost";  // or the folder of a Unix socket
    std::uint16_t port = 5432;
    std::chrono::milliseconds start_wait{30'000};  // for a server that is down when we start
    std::chrono::milliseconds connect_timeout{2'000};
    std::chrono::milliseconds statement_timeout{30'000};
};

struct ConnectionCloser {
    void operator()(pg_conn* connection) const noexcept;
};
struct ResultClearer {
    void operator()(pg_result* result) const noexcept;
};

/// A parameter that is an array of bytea.
struct Blobs {
    std::span<const std::string> values;
};

/// The parameters of a statement, in libpq's binary format. Values are copied.
class Parameters {
public:
    template <typename... Values>
    explicit Parameters(const Values&... values) {
        (add(values), ...);
    }

    struct Parameter {
        unsigned type = 0;  // an Oid of pg_type
        std::optional<std::string> value;
    };
    const std::vector<Parameter>& all() const { return parameters_; }

private:
    void add(std::int64_t value);
    void add(int value) { add(static_cast<std::int64_t>(value)); }
    void add(std::string_view value);
    void add(const std::string& value) { add(std::string_view(value)); }
    void add(const char* value) { add(std::string_view(value)); }
    void add(const std::optional<std::string>& value);
    void add(std::span<const std::int64_t> values);
    void add(const std::vector<std::int64_t>& values) { add(std::span(values)); }
    void add(std::span<const std::string> values);
    void add(const std::vector<std::string>& values) { add(std::span(values)); }
    void add(Blobs values);

    std::vector<Parameter> parameters_;
};

/// What a statement answered. Columns are read as what they are: bigint, float8, text or bytea.
/// Views live as long as the rows.
class Rows {
public:
    explicit Rows(pg_result* result) : handle_(result) {}

    int size() const;
    bool empty() const { return size() == 0; }
    std::int64_t integer(int row, int column) const;
    double real(int row, int column) const;
    std::string_view text(int row, int column) const;  // bytea too
    /// The rows that the statement changed.
    std::int64_t changed() const;

private:
    std::unique_ptr<pg_result, ResultClearer> handle_;
};

/// A connection to a PostgreSQL database, in which `titans` is the schema of unqualified names.
/// Not thread-safe; movable between threads.
///
/// Every call ends in bounded time: a server that does not answer within the statement timeout (and
/// some seconds more, in which it would say so itself) counts as lost.
class Connection {
public:
    /// Errors: InvalidInput, if the server refuses this name, user or password; Busy, if it cannot
    /// be reached.
    static Result<std::unique_ptr<Connection>> open(const Options& options);

    /// One statement, with $1, $2... for the parameters. Errors: Busy, if the connection is lost or
    /// the server has no time; InvalidInput, for text that is no UTF-8 or holds U+0000; Internal.
    template <typename... Values>
    Result<Rows> query(const char* sql, const Values&... values) {
        return execute(sql, Parameters(values...));
    }
    /// For statements without rows.
    template <typename... Values>
    Result<void> run(const char* sql, const Values&... values) {
        TITANS_TRY([[maybe_unused]] const Rows rows, query(sql, values...));
        return {};
    }
    /// For a statement that is no work: a server that does not answer within the connect timeout
    /// counts as lost.
    Result<void> run_at_once(const char* sql);
    /// Several statements without parameters.
    Result<void> run_script(const std::string& sql);

    /// Whether the server is gone: the connection is of no use any more.
    bool lost() const { return lost_; }
    /// Of the last statement; empty if it succeeded, or if no server said why it failed.
    const std::string& sql_state() const { return sql_state_; }
    /// Whether the last statement failed for what another transaction did at the same time: the
    /// same transaction, begun anew, may succeed.
    bool conflicted() const;

private:
    Connection(pg_conn* handle, const Options& options);

    Result<Rows> execute(const char* sql, const Parameters& parameters);
    /// The last result of what was sent.
    Result<Rows> receive(std::chrono::milliseconds timeout);
    std::unexpected<Error> failure(const pg_result* result);

    std::unique_ptr<pg_conn, ConnectionCloser> handle_;
    std::chrono::milliseconds connect_timeout_;
    std::chrono::milliseconds answer_timeout_;
    bool lost_ = false;
    std::string sql_state_;
};

/// Rolls back unless committed.
class Transaction {
public:
    /// ReadOnly: all its statements see the same state.
    enum class Mode : std::uint8_t { ReadWrite, ReadOnly };

    /// Of a connection on which begin() succeeded.
    explicit Transaction(Connection& connection) : connection_(&connection) {}
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    ~Transaction();

    static Result<void> begin(Connection& connection, Mode mode);
    /// Returns when it is on the disk. Errors: Busy, if the connection was lost before the answer
    /// came: the transaction may or may not have happened.
    Result<void> commit();

private:
    Connection* connection_;
};

}  // namespace titans::store::postgres
