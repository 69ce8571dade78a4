#include "models/child_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "foundation/units.h"
#include "net/file_lock.h"

extern char** environ;

namespace titans::models {
namespace {

using net::FileDescriptor;

constexpr int kPollMs = 20;
constexpr std::size_t kMaxLine = 500;

class FileActions {
public:
    FileActions() { posix_spawn_file_actions_init(&actions_); }
    FileActions(const FileActions&) = delete;
    FileActions& operator=(const FileActions&) = delete;
    ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }
    posix_spawn_file_actions_t* get() { return &actions_; }

private:
    posix_spawn_file_actions_t actions_{};
};

class Attributes {
public:
    /// Signals as a program expects them, whatever this process blocks or ignores.
    Attributes() {
        posix_spawnattr_init(&attributes_);
        sigset_t none;
        sigset_t all;
        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_setsigmask(&attributes_, &none);
        posix_spawnattr_setsigdefault(&attributes_, &all);
        posix_spawnattr_setflags(&attributes_, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    Attributes(const Attributes&) = delete;
    Attributes& operator=(const Attributes&) = delete;
    ~Attributes() { posix_spawnattr_destroy(&attributes_); }
    const posix_spawnattr_t* get() const { return &attributes_; }

private:
    posix_spawnattr_t attributes_{};
};

/// The last line that has text, of what is written to it.
class LastLine {
public:
    void add(std::string_view bytes) {
        for (const char c : bytes) {
            if (c == '\n' || c == '\r') {
                if (!line_.empty()) last_ = std::move(line_);
                line_.clear();
            } else if (line_.size() < kMaxLine) {
                line_ += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? ' ' : c;
            }
        }
    }
    std::string take() { return std::move(line_.empty() ? last_ : line_); }

private:
    std::string line_;
    std::string last_;
};

/// Kills and reaps the child, unless it has been reaped.
class Child {
public:
    explicit Child(pid_t id) : id_(id) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() {
        if (id_ <= 0) return;
        kill(id_, SIGKILL);
        while (waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }
    /// True, with the exit status, when it has ended.
    bool has_ended(int& status) {
        int raw = 0;
        if (waitpid(id_, &raw, WNOHANG) != id_) return false;
        id_ = 0;
        status = WIFSIGNALED(raw) ? 128 + WTERMSIG(raw) : WEXITSTATUS(raw);
        return true;
    }

private:
    pid_t id_;
};

/// Takes what has come, without waiting longer than `wait_ms` for it, and a bounded part of what
/// goes on coming.
void drain(int pipe, int wait_ms, LastLine& line) {
    std::array<char, 4096> block{};
    pollfd waiting{.fd = pipe, .events = POLLIN, .revents = 0};
    for (int i = 0; i < 64 && poll(&waiting, 1, i == 0 ? wait_ms : 0) > 0; ++i) {
        const ssize_t count = read(pipe, block.data(), block.size());
        if (count <= 0) {
            // The child has closed it and goes on without: wait for its end alone.
            poll(nullptr, 0, wait_ms);
            return;
        }
        line.add({block.data(), static_cast<std::size_t>(count)});
    }
}

}  // namespace

Result<ChildEnd> run_child(const std::vector<std::string>& command, const ChildLimits& limits,
                           const std::stop_token& stop) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0)
        return fail(ErrorKind::Internal, "a program could not be started", std::strerror(errno));
    const FileDescriptor reading(ends[0]);
    FileDescriptor writing(ends[1]);

    FileActions actions;
    posix_spawn_file_actions_addopen(actions.get(), STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(actions.get(), writing.get(), STDERR_FILENO);
    posix_spawn_file_actions_addclosefrom_np(actions.get(), STDERR_FILENO + 1);

    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);

    pid_t id = 0;
    const Attributes attributes;
    if (const int code = posix_spawnp(&id, arguments[0], actions.get(), attributes.get(),
                                      arguments.data(), environ);
        code != 0) {
        return fail(code == ENOENT ? ErrorKind::NotFound : ErrorKind::Internal,
                    "a program could not be started", command[0] + ": " + std::strerror(code));
    }
    Child child(id);
    writing = FileDescriptor();

    LastLine line;
    const Clock::time_point start = Clock::now();
    int status = 0;
    while (!child.has_ended(status)) {
        if (stop.stop_requested()) return fail(ErrorKind::Cancelled, "a program was cancelled");
        if (since(start) > limits.time)
            return fail(ErrorKind::Timeout, "a program took too long", command[0]);
        if (std::error_code missing; !limits.output.empty()) {
            const auto size = std::filesystem::file_size(limits.output, missing);
            if (!missing && size > limits.output_bytes)
                return fail(ErrorKind::TooLarge, "a program wrote too much", command[0]);
        }
        drain(reading.get(), kPollMs, line);
    }
    drain(reading.get(), 0, line);
    return ChildEnd{status, line.take()};
}

}  // namespace titans::models
