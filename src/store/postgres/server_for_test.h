#pragma once

#include <sys/types.h>

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "store/postgres/connection.h"

namespace titans::store::postgres {

/// A PostgreSQL server of this test program's own, in a temporary folder. It ends with the program,
/// even if that crashes.
class ServerForTest {
public:
    /// The one server of this program, running. Errors: Unsupported, where PostgreSQL is not
    /// installed, or we are root (as which it does not run) and can become nobody else; Internal.
    static Result<ServerForTest*> shared();

    ServerForTest(const ServerForTest&) = delete;
    ServerForTest& operator=(const ServerForTest&) = delete;
    ~ServerForTest();

    /// A fresh database, reached through the server's Unix socket as a superuser.
    Options make_database();
    /// Statements that need a superuser, one by one.
    void run(const Options& database, const std::vector<std::string>& statements);

    /// As after the end of the machine: nobody is told.
    void kill();
    void stop();
    Result<void> start();

private:
    ServerForTest() = default;

    Result<void> prepare();
    /// The process of one of PostgreSQL's programs, as a user that is not root.
    pid_t spawn(const std::vector<std::string>& command) const;
    void end(int signal);
    Options options_of(std::string name) const;

    std::filesystem::path programs_;
    std::filesystem::path folder_;
    pid_t process_ = 0;
    int databases_ = 0;
};

}  // namespace titans::store::postgres
