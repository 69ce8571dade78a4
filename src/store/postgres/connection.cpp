#include "store/postgres/connection.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cctype>
#include <cerrno>
#include <format>
#include <new>

#include "foundation/units.h"

namespace titans::store::postgres {

namespace {

using std::chrono::milliseconds;

constexpr std::string_view kUnreachable = "the database cannot be reached now";

// How long the server's own "canceling statement due to statement timeout" may take to arrive.
constexpr milliseconds kGrace{2'000};

// src/include/catalog/pg_type.dat of PostgreSQL: these never change.
constexpr Oid kBytea = 17;
constexpr Oid kInt8 = 20;
constexpr Oid kText = 25;
constexpr Oid kByteaArray = 1001;
constexpr Oid kTextArray = 1009;
constexpr Oid kInt8Array = 1016;

template <typename Integer>
std::string big_endian(Integer value) {
    if constexpr (std::endian::native == std::endian::little) value = std::byteswap(value);
    const auto bytes = std::bit_cast<std::array<char, sizeof value>>(value);
    return {bytes.data(), bytes.size()};
}

/// The header of an array in binary form: dimensions, nulls, type; then size and first index.
std::string array_header(Oid type, std::size_t size) {
    std::string header = big_endian<std::int32_t>(size == 0 ? 0 : 1) + big_endian<std::int32_t>(0) +
                         big_endian<std::uint32_t>(type);
    if (size > 0)
        header += big_endian(static_cast<std::int32_t>(size)) + big_endian<std::int32_t>(1);
    return header;
}

std::string array_of(Oid type, std::span<const std::string> values) {
    std::string array = array_header(type, values.size());
    for (const std::string& value : values) {
        array += big_endian(static_cast<std::int32_t>(value.size()));
        array += value;
    }
    return array;
}

/// False if nothing happened until `deadline`.
bool wait_for(PGconn* connection, short events, Clock::time_point deadline) {
    while (true) {
        const auto left = std::chrono::ceil<milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) return false;
        pollfd socket{.fd = PQsocket(connection), .events = events, .revents = 0};
        const int ready = ::poll(&socket, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

/// libpq has no call that gives the SQLSTATE of a connection that was refused, but its verbose
/// message holds it, in any language: "FATAL:  28P01: password authentication failed ...".
std::string sql_state_in(std::string_view message) {
    constexpr std::size_t kLength = 5;
    for (std::size_t at = message.rfind(":  "); at != std::string_view::npos && at > 0;
         at = message.rfind(":  ", at - 1)) {
        const std::string_view rest = message.substr(at + 3);
        if (rest.size() <= kLength || rest[kLength] != ':') continue;
        const std::string_view state = rest.substr(0, kLength);
        if (std::ranges::all_of(state, [](unsigned char c) {
                return std::isdigit(c) != 0 || (std::isupper(c) != 0);
            }))
            return std::string(state);
    }
    return {};
}

/// libpq's words, which come with line ends and tabs.
std::string one_line(std::string words) {
    std::ranges::replace_if(words, [](unsigned char c) { return std::iscntrl(c) != 0; }, ' ');
    words.erase(words.find_last_not_of(' ') + 1);
    return words;
}

std::string place(const Options& options) {
    return std::format("DB_HOST={} DB_PORT={} DB_NAME={}", options.host, options.port,
                       options.name);
}

std::unexpected<Error> connect_failure(PGconn* connection, const Options& options,
                                       std::string detail) {
    const std::string state = sql_state_in(detail);
    detail = one_line(std::move(detail));
    if (state == "28P01" || state == "28000" || PQconnectionNeedsPassword(connection) != 0) {
        return fail(ErrorKind::InvalidInput,
                    std::format("PostgreSQL refused DB_USER and DB_PASSWORD ({})", place(options)),
                    std::move(detail));
    }
    if (state == "3D000") {
        return fail(
            ErrorKind::InvalidInput,
            std::format("PostgreSQL has no such database ({}): create it first", place(options)),
            std::move(detail));
    }
    if (state == "42501") {
        return fail(
            ErrorKind::InvalidInput,
            std::format("DB_USER may not connect to this PostgreSQL database ({})", place(options)),
            std::move(detail));
    }
    return fail(ErrorKind::Busy, std::format("PostgreSQL cannot be reached at {}", place(options)),
                std::move(detail));
}

}  // namespace

void ConnectionCloser::operator()(pg_conn* connection) const noexcept { PQfinish(connection); }
void ResultClearer::operator()(pg_result* result) const noexcept { PQclear(result); }

void Parameters::add(std::int64_t value) { parameters_.push_back({kInt8, big_endian(value)}); }

void Parameters::add(std::string_view value) { parameters_.push_back({kText, std::string(value)}); }

void Parameters::add(const std::optional<std::string>& value) {
    parameters_.push_back({kText, value});
}

void Parameters::add(std::span<const std::int64_t> values) {
    std::string array = array_header(kInt8, values.size());
    for (const std::int64_t value : values)
        array += big_endian(static_cast<std::int32_t>(sizeof value)) + big_endian(value);
    parameters_.push_back({kInt8Array, std::move(array)});
}

void Parameters::add(std::span<const std::string> values) {
    parameters_.push_back({kTextArray, array_of(kText, values)});
}

void Parameters::add(Blobs values) {
    parameters_.push_back({kByteaArray, array_of(kBytea, values.values)});
}

int Rows::size() const { return PQntuples(handle_.get()); }

std::int64_t Rows::integer(int row, int column) const {
    const std::string_view bytes = text(row, column);
    std::uint64_t value = 0;
    for (const char byte : bytes) value = value << 8 | static_cast<unsigned char>(byte);
    return static_cast<std::int64_t>(value);
}

double Rows::real(int row, int column) const { return std::bit_cast<double>(integer(row, column)); }

std::string_view Rows::text(int row, int column) const {
    return {PQgetvalue(handle_.get(), row, column),
            static_cast<std::size_t>(PQgetlength(handle_.get(), row, column))};
}

std::int64_t Rows::changed() const { return std::strtoll(PQcmdTuples(handle_.get()), nullptr, 10); }

Connection::Connection(pg_conn* handle, const Options& options)
    : handle_(handle),
      connect_timeout_(options.connect_timeout),
      answer_timeout_(options.statement_timeout + kGrace) {}

Result<std::unique_ptr<Connection>> Connection::open(const Options& options) {
    const std::string port = std::to_string(options.port);
    const std::string settings =
        std::format("-c statement_timeout={} -c idle_in_transaction_session_timeout={}",
                    options.statement_timeout.count(), 2 * options.statement_timeout.count());
    // An empty value is as good as none. A dead host is noticed within 15 seconds.
    const std::array keywords{"dbname",
                              "user",
                              "password",
                              "host",
                              "port",
                              "options",
                              "application_name",
                              "client_encoding",
                              "keepalives_idle",
                              "keepalives_interval",
                              "keepalives_count",
                              "tcp_user_timeout",
                              static_cast<const char*>(nullptr)};
    const std::array values{options.name.c_str(),
                            options.user.c_str(),
                            options.password.reveal().c_str(),
                            options.host.c_str(),
                            port.c_str(),
                            settings.c_str(),
                            "titans",
                            "UTF8",
                            "5",
                            "5",
                            "2",
                            "15000",
                            static_cast<const char*>(nullptr)};
    PGconn* handle = PQconnectStartParams(keywords.data(), values.data(), /*expand_dbname=*/0);
    if (handle == nullptr) throw std::bad_alloc();
    std::unique_ptr<Connection> connection(new Connection(handle, options));
    PQsetErrorVerbosity(handle, PQERRORS_VERBOSE);
    PQsetNoticeProcessor(handle, [](void*, const char*) noexcept {}, nullptr);

    const Clock::time_point deadline = Clock::now() + options.connect_timeout;
    PostgresPollingStatusType state =
        PQstatus(handle) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;
    while (state != PGRES_POLLING_OK) {
        if (state == PGRES_POLLING_FAILED)
            return connect_failure(handle, options, PQerrorMessage(handle));
        if (!wait_for(handle, state == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline))
            return connect_failure(handle, options, "no answer in time");
        state = PQconnectPoll(handle);
    }
    PQsetErrorVerbosity(handle, PQERRORS_DEFAULT);
    PQsetnonblocking(handle, 1);

    const char* encoding = PQparameterStatus(handle, "server_encoding");
    if (encoding == nullptr || std::string_view(encoding) != "UTF8") {
        return fail(ErrorKind::InvalidInput,
                    std::format("the PostgreSQL database has not the encoding UTF8 ({}): create it "
                                "with ENCODING 'UTF8'",
                                place(options)));
    }
    // pgvector may be in any schema.
    TITANS_TRY_VOID(connection->run(
        "SELECT set_config('search_path', 'titans, ' || coalesce((SELECT quote_ident(nspname) FROM "
        "pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = "
        "'vector'), 'public'), false)"));
    return connection;
}

Result<Rows> Connection::execute(const char* sql, const Parameters& parameters) {
    const auto& all = parameters.all();
    std::vector<Oid> types;
    std::vector<const char*> values;
    std::vector<int> lengths;
    for (const Parameters::Parameter& parameter : all) {
        types.push_back(parameter.type);
        values.push_back(parameter.value ? parameter.value->data() : nullptr);
        lengths.push_back(parameter.value ? static_cast<int>(parameter.value->size()) : 0);
    }
    const std::vector<int> formats(all.size(), 1);
    if (PQsendQueryParams(handle_.get(), sql, static_cast<int>(all.size()), types.data(),
                          values.data(), lengths.data(), formats.data(),
                          /*resultFormat=*/1) == 0)
        return failure(nullptr);
    return receive(answer_timeout_);
}

Result<void> Connection::run_at_once(const char* sql) {
    if (PQsendQuery(handle_.get(), sql) == 0) return failure(nullptr);
    TITANS_TRY([[maybe_unused]] const Rows rows, receive(connect_timeout_));
    return {};
}

Result<void> Connection::run_script(const std::string& sql) {
    if (PQsendQuery(handle_.get(), sql.c_str()) == 0) return failure(nullptr);
    TITANS_TRY([[maybe_unused]] const Rows rows, receive(answer_timeout_));
    return {};
}

Result<Rows> Connection::receive(milliseconds timeout) {
    const Clock::time_point deadline = Clock::now() + timeout;
    std::optional<Rows> last;
    std::optional<Error> error;
    while (true) {
        int unsent = PQflush(handle_.get());
        while (unsent >= 0 && (unsent > 0 || PQisBusy(handle_.get()) != 0)) {
            const short events = unsent > 0 ? POLLIN | POLLOUT : POLLIN;
            if (!wait_for(handle_.get(), events, deadline)) {
                lost_ = true;
                sql_state_.clear();
                return fail(ErrorKind::Busy, std::string(kUnreachable), "no answer in time");
            }
            if (PQconsumeInput(handle_.get()) == 0) break;
            unsent = PQflush(handle_.get());
        }
        PGresult* result = PQgetResult(handle_.get());
        if (result == nullptr) break;
        Rows rows(result);
        const ExecStatusType status = PQresultStatus(result);
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            last.emplace(std::move(rows));
        } else if (!error) {
            error = failure(result).error();
        }
    }
    if (!error && PQstatus(handle_.get()) == CONNECTION_BAD) error = failure(nullptr).error();
    if (error) return std::unexpected(*std::move(error));
    if (!last) return failure(nullptr);
    sql_state_.clear();
    return *std::move(last);
}

std::unexpected<Error> Connection::failure(const pg_result* result) {
    const char* state = result != nullptr ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
    const char* words =
        result != nullptr ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : nullptr;
    sql_state_ = state != nullptr ? state : "";
    std::string detail = one_line(std::format(
        "PostgreSQL {}: {}", sql_state_, words != nullptr ? words : PQerrorMessage(handle_.get())));
    // 57P01 to 57P03: the server stops or starts; 53300: too many connections; 25006: it has become
    // a standby.
    lost_ = lost_ || PQstatus(handle_.get()) == CONNECTION_BAD || sql_state_.starts_with("08") ||
            sql_state_ == "57P01" || sql_state_ == "57P02" || sql_state_ == "57P03" ||
            sql_state_ == "53300" || sql_state_ == "25006";
    if (lost_) return fail(ErrorKind::Busy, std::string(kUnreachable), std::move(detail));
    // 57014: the statement's time is up; 55P03: a lock's; 40001, 40P01: others were first.
    if (sql_state_ == "57014" || sql_state_ == "55P03" || sql_state_ == "40001" ||
        sql_state_ == "40P01")
        return fail(ErrorKind::Busy, "the database is too busy now", std::move(detail));
    if (sql_state_ == "22021") {
        return fail(ErrorKind::InvalidInput,
                    "a text cannot be stored: it holds U+0000 or is not UTF-8", std::move(detail));
    }
    return fail(ErrorKind::Internal, "the database failed", std::move(detail));
}

bool Connection::conflicted() const {
    // Serialization failure, deadlock, and a unique value (a slug) that another has just taken.
    return sql_state_ == "40001" || sql_state_ == "40P01" || sql_state_ == "23505";
}

Result<void> Transaction::begin(Connection& connection, Mode mode) {
    return connection.run_at_once(mode == Mode::ReadOnly
                                      ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                      : "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE");
}

Transaction::~Transaction() {
    // Where it fails the connection is lost, and with it the transaction.
    if (connection_ != nullptr && !connection_->lost()) [[maybe_unused]]
        const auto rolled_back = connection_->run("ROLLBACK");
}

Result<void> Transaction::commit() {
    Connection& connection = *std::exchange(connection_, nullptr);
    auto committed = connection.run("COMMIT");
    if (!committed && connection.lost()) {
        committed.error().message =
            "the database cannot be reached now: it is unknown whether it has stored the change";
    }
    return committed;
}

}  // namespace titans::store::postgres
