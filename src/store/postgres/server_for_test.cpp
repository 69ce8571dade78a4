#include "store/postgres/server_for_test.h"

#include <fcntl.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <format>
#include <fstream>
#include <system_error>
#include <thread>

#include "foundation/units.h"

namespace titans::store::postgres {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kUser = "titans";
constexpr std::string_view kPassword = "p'a\\s s=w\"o#rd";

std::unexpected<Error> unavailable(std::string why) {
    return fail(ErrorKind::Unsupported, std::move(why));
}

std::unexpected<Error> failed(std::string what, const fs::path& log) {
    std::ifstream text(log);
    return fail(ErrorKind::Internal, std::move(what), {std::istreambuf_iterator<char>(text), {}});
}

/// Who runs PostgreSQL, which refuses to be root.
const passwd* server_user() {
    if (::geteuid() != 0) return nullptr;
    const passwd* user = ::getpwnam("postgres");
    return user != nullptr ? user : ::getpwnam("nobody");
}

/// False where there is no such user, as in a user namespace of root alone.
bool give_to_server_user(const fs::path& path) {
    const passwd* user = server_user();
    return user == nullptr || ::lchown(path.c_str(), user->pw_uid, user->pw_gid) == 0;
}

fs::path find_programs() {
    fs::path newest;
    std::error_code none;
    for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", none)) {
        const fs::path programs = version.path() / "bin";
        if (fs::exists(programs / "initdb") && programs > newest) newest = programs;
    }
    return newest;
}

int exit_code(pid_t process) {
    int status = 0;
    while (::waitpid(process, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

Result<ServerForTest*> ServerForTest::shared() {
    static const auto server = []() -> Result<std::unique_ptr<ServerForTest>> {
        std::unique_ptr<ServerForTest> made(new ServerForTest);
        TITANS_TRY_VOID(made->prepare());
        return made;
    }();
    if (!server) return std::unexpected(server.error());
    if ((*server)->process_ == 0) TITANS_TRY_VOID((*server)->start());
    return server->get();
}

ServerForTest::~ServerForTest() {
    end(SIGINT);
    std::error_code ignored;
    if (!folder_.empty()) fs::remove_all(folder_, ignored);
}

Result<void> ServerForTest::prepare() {
    programs_ = find_programs();
    if (programs_.empty()) return unavailable("PostgreSQL is not installed");
    std::string pattern = (fs::temp_directory_path() / "titans-postgres-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    std::ofstream(folder_ / "password") << kPassword << '\n';
    if (!give_to_server_user(folder_) || !give_to_server_user(folder_ / "password"))
        return unavailable("PostgreSQL does not run as root, and there is no other user here");
    const int code = exit_code(
        spawn({programs_ / "initdb", "--pgdata=" + (folder_ / "data").string(),
               "--username=" + std::string(kUser), "--pwfile=" + (folder_ / "password").string(),
               "--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"}));
    if (code != 0) return failed("initdb failed", folder_ / "log");
    return {};
}

pid_t ServerForTest::spawn(const std::vector<std::string>& command) const {
    const passwd* user = server_user();
    const std::string log = folder_ / "log";
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child != 0) return child;

    if (user != nullptr &&
        (::setgroups(0, nullptr) != 0 || ::setresgid(user->pw_gid, user->pw_gid, user->pw_gid) ||
         ::setresuid(user->pw_uid, user->pw_uid, user->pw_uid) != 0))
        ::_exit(1);
    // After the change of user, which forgets it. SIGQUIT: at once, with all its processes.
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::getppid() != parent) ::_exit(1);
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::dup2(output, STDOUT_FILENO);
    ::dup2(output, STDERR_FILENO);
    ::setenv("LC_ALL", "C", 1);
    ::execv(arguments[0], arguments.data());
    ::_exit(1);
}

Result<void> ServerForTest::start() {
    process_ = spawn({programs_ / "postgres", "-D", folder_ / "data", "-c",
                      "listen_addresses=", "-c", "unix_socket_directories=" + folder_.string(),
                      "-c", "fsync=off", "-c", "full_page_writes=off", "-c", "max_connections=40"});
    const std::string host = folder_.string();
    const std::array keywords{"host", "dbname", static_cast<const char*>(nullptr)};
    const std::array values{host.c_str(), "postgres", static_cast<const char*>(nullptr)};
    const Clock::time_point deadline = Clock::now() + std::chrono::seconds(60);
    while (PQpingParams(keywords.data(), values.data(), 0) != PQPING_OK) {
        if (::waitpid(process_, nullptr, WNOHANG) == process_ || Clock::now() > deadline) {
            process_ = 0;
            return failed("PostgreSQL does not start", folder_ / "log");
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return {};
}

void ServerForTest::stop() { end(SIGINT); }

void ServerForTest::kill() { end(SIGQUIT); }

void ServerForTest::end(int signal) {
    if (process_ == 0) return;
    ::kill(process_, signal);
    exit_code(process_);
    process_ = 0;
}

Options ServerForTest::options_of(std::string name) const {
    return {.name = std::move(name),
            .user = std::string(kUser),
            .password = Secret(std::string(kPassword)),
            .host = folder_.string(),
            // The machine may be busy: what a test expects to succeed may take its time.
            .connect_timeout = std::chrono::seconds(20)};
}

Options ServerForTest::make_database() {
    const std::string name = std::format("Test {} '\"", ++databases_);
    run(options_of("postgres"), {std::format("CREATE DATABASE \"Test {} '\"\"\"", databases_)});
    return options_of(name);
}

void ServerForTest::run(const Options& database, const std::vector<std::string>& statements) {
    auto connection = Connection::open(database).value();
    for (const std::string& statement : statements) connection->run(statement.c_str()).value();
}

}  // namespace titans::store::postgres
