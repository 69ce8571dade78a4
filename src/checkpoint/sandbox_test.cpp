#include "checkpoint/sandbox.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <functional>
#include <thread>

#include "checkpoint/test_files.h"

namespace titans::checkpoint {
namespace {

constexpr int kNoSandbox = 99;

/// What waitpid says of a child that enters the sandbox and ends with what `work` returns.
int run_inside(const Limits& limits, const std::function<int()>& work) {
    const pid_t child = fork();
    if (child == 0) _exit(enter_sandbox(limits) ? work() : kNoSandbox);
    int status = 0;
    waitpid(child, &status, 0);
    return status;
}

/// The status of a child that returned `code`.
int ended_with(int code) { return code << 8; }

TEST(Sandbox, SaysWhatItGot) {
    EXPECT_EQ(run_inside({}, [] { return 0; }), ended_with(0));
    const pid_t child = fork();
    if (child == 0) {
        const auto got = enter_sandbox({});
        _exit(got && got->starts_with("limits seccomp") ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    EXPECT_EQ(status, ended_with(0));
}

TEST(Sandbox, LetsNothingOnTheNetwork) {
    for (const int family : {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK}) {
        EXPECT_EQ(run_inside({}, [&] { return socket(family, SOCK_DGRAM, 0) < 0 ? errno : 0; }),
                  ended_with(EPERM));
    }
    const int inherited = socket(AF_INET, SOCK_STREAM, 0);
    EXPECT_EQ(
        run_inside({},
                   [&] {
                       const sockaddr_in address{
                           .sin_family = AF_INET, .sin_port = 9, .sin_addr = {}, .sin_zero = {}};
                       return connect(inherited, reinterpret_cast<const sockaddr*>(&address),
                                      sizeof address) < 0
                                  ? errno
                                  : 0;
                   }),
        ended_with(EPERM));
    close(inherited);
}

TEST(Sandbox, StartsNoOtherProcess) {
    EXPECT_EQ(run_inside({}, [] { return fork() < 0 ? errno : 0; }), ended_with(EPERM));
    EXPECT_EQ(run_inside({},
                         [] {
                             char* const arguments[] = {nullptr};
                             return execv("/bin/true", arguments) < 0 ? errno : 0;
                         }),
              ended_with(EPERM));
}

TEST(Sandbox, TouchesNoOtherProcess) {
    EXPECT_EQ(run_inside({}, [] { return kill(getppid(), 0) < 0 ? errno : 0; }), ended_with(EPERM));
}

TEST(Sandbox, StillStartsThreadsAndReadsAndWritesFiles) {
    const test::Folder folder;
    folder.write("in", "text");
    const int status = run_inside({}, [&] {
        int result = 1;
        std::thread([&] {
            folder.write("out", test::read(folder / "in"));
            result = 0;
        }).join();
        return result;
    });
    EXPECT_EQ(status, ended_with(0));
    EXPECT_EQ(test::read(folder / "out"), "text");
}

TEST(Sandbox, LetsTheProcessEndInOrder) {
    (void)std::fflush(nullptr);  // or the child would print it again
    const int status = run_inside({}, [] {
        std::exit(7);  // unlike _exit, runs what is registered for the end, a leak check for one
        return 0;
    });
    EXPECT_EQ(status, ended_with(7));
}

TEST(Sandbox, EndsAFileAtItsLimit) {
    const test::Folder folder;
    const int status = run_inside({.file_bytes = 1000}, [&] {
        const int file = open((folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
        const std::string text(900, 'x');
        if (write(file, text.data(), text.size()) != 900) return 1;
        if (write(file, text.data(), text.size()) != 100) return 2;
        return write(file, text.data(), text.size()) < 0 ? errno : 0;
    });
    EXPECT_EQ(status, ended_with(EFBIG));
    EXPECT_EQ(test::read(folder / "out").size(), 1000);
}

TEST(Sandbox, CannotRaiseItsLimits) {
    const auto raise = [] {
        const rlimit more{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
        return setrlimit(RLIMIT_FSIZE, &more) < 0 ? errno : 0;
    };
    EXPECT_EQ(run_inside({}, raise), ended_with(EPERM));
}

TEST(Sandbox, EndsAProcessThatComputesForever) {
    const int status = run_inside({.cpu_time = std::chrono::seconds(1)}, [] {
        for (volatile std::uint64_t i = 0;;) i = i + 1;
        return 0;
    });
    EXPECT_TRUE(WIFSIGNALED(status)) << status;
}

#ifndef __SANITIZE_ADDRESS__
TEST(Sandbox, LimitsMemory) {
    const int status = run_inside({.memory_bytes = 1 << 30}, [] {
        void* const small = std::malloc(64 << 20);
        void* const large = std::malloc(std::size_t{2} << 30);
        return small != nullptr && large == nullptr ? 0 : 1;
    });
    EXPECT_EQ(status, ended_with(0));
}
#endif

}  // namespace
}  // namespace titans::checkpoint
