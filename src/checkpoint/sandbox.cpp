#include "checkpoint/sandbox.h"

#include <sched.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <memory>

#ifdef __SANITIZE_ADDRESS__
namespace {
constexpr bool kLimitsMemory = false;  // the address sanitizer reserves terabytes of addresses
bool checks_leaks = true;
void skip_leak_check() { checks_leaks = false; }  // at exit it would start a process
}  // namespace
extern "C" int __lsan_is_turned_off() {
    return checks_leaks ? 0 : 1;
}  // NOLINT(bugprone-reserved-identifier): theirs
#else
namespace {
constexpr bool kLimitsMemory = true;
void skip_leak_check() {}
}  // namespace
#endif

namespace titans::checkpoint {
namespace {

constexpr rlim_t kOpenFiles = 64;

Result<void> limit(int resource, rlim_t most) {
    rlimit now{};
    getrlimit(resource, &now);
    const rlim_t value = std::min(most, now.rlim_max);
    const rlimit limit{.rlim_cur = value, .rlim_max = value};
    if (setrlimit(resource, &limit) != 0) {
        return fail(ErrorKind::Internal, "the sandbox cannot set its limits", std::strerror(errno));
    }
    return {};
}

bool leave_network() {
    // Without privileges a new network takes a new user namespace.
    return unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
}

struct FilterDeleter {
    void operator()(void* filter) const noexcept { seccomp_release(filter); }
};

/// Forbids what no reader of files does: the network, other programs and processes, namespaces,
/// mounts, the kernel's riskier doors, and raising the limits again.
Result<void> filter_system_calls() {
    constexpr std::array kForbidden{SCMP_SYS(socket),
                                    SCMP_SYS(socketpair),
                                    SCMP_SYS(connect),
                                    SCMP_SYS(bind),
                                    SCMP_SYS(listen),
                                    SCMP_SYS(accept),
                                    SCMP_SYS(accept4),
                                    SCMP_SYS(sendto),
                                    SCMP_SYS(sendmsg),
                                    SCMP_SYS(sendmmsg),
                                    SCMP_SYS(execve),
                                    SCMP_SYS(execveat),
                                    SCMP_SYS(fork),
                                    SCMP_SYS(vfork),
                                    SCMP_SYS(ptrace),
                                    SCMP_SYS(process_vm_readv),
                                    SCMP_SYS(process_vm_writev),
                                    SCMP_SYS(process_madvise),
                                    SCMP_SYS(kcmp),
                                    SCMP_SYS(kill),
                                    SCMP_SYS(tkill),
                                    SCMP_SYS(rt_sigqueueinfo),
                                    SCMP_SYS(pidfd_open),
                                    SCMP_SYS(pidfd_getfd),
                                    SCMP_SYS(pidfd_send_signal),
                                    SCMP_SYS(unshare),
                                    SCMP_SYS(setns),
                                    SCMP_SYS(mount),
                                    SCMP_SYS(umount2),
                                    SCMP_SYS(move_mount),
                                    SCMP_SYS(fsopen),
                                    SCMP_SYS(open_tree),
                                    SCMP_SYS(pivot_root),
                                    SCMP_SYS(chroot),
                                    SCMP_SYS(open_by_handle_at),
                                    SCMP_SYS(mknod),
                                    SCMP_SYS(mknodat),
                                    SCMP_SYS(chmod),
                                    SCMP_SYS(fchmod),
                                    SCMP_SYS(fchmodat),
                                    SCMP_SYS(chown),
                                    SCMP_SYS(fchown),
                                    SCMP_SYS(lchown),
                                    SCMP_SYS(fchownat),
                                    SCMP_SYS(setuid),
                                    SCMP_SYS(setgid),
                                    SCMP_SYS(setresuid),
                                    SCMP_SYS(setresgid),
                                    SCMP_SYS(capset),
                                    SCMP_SYS(setrlimit),
                                    SCMP_SYS(keyctl),
                                    SCMP_SYS(add_key),
                                    SCMP_SYS(request_key),
                                    SCMP_SYS(bpf),
                                    SCMP_SYS(perf_event_open),
                                    SCMP_SYS(userfaultfd),
                                    SCMP_SYS(io_uring_setup),
                                    SCMP_SYS(io_uring_enter),
                                    SCMP_SYS(io_uring_register),
                                    SCMP_SYS(init_module),
                                    SCMP_SYS(finit_module),
                                    SCMP_SYS(delete_module),
                                    SCMP_SYS(kexec_load),
                                    SCMP_SYS(kexec_file_load),
                                    SCMP_SYS(reboot),
                                    SCMP_SYS(swapon),
                                    SCMP_SYS(swapoff),
                                    SCMP_SYS(acct),
                                    SCMP_SYS(syslog),
                                    SCMP_SYS(settimeofday),
                                    SCMP_SYS(clock_settime),
                                    SCMP_SYS(iopl),
                                    SCMP_SYS(ioperm)};
    const std::unique_ptr<void, FilterDeleter> filter(seccomp_init(SCMP_ACT_ALLOW));
    int failed = filter ? 0 : -ENOMEM;
    const auto forbid = [&](int error, int call, auto... conditions) {
        if (failed == 0) {
            failed = seccomp_rule_add(filter.get(), SCMP_ACT_ERRNO(error), call,
                                      sizeof...(conditions), conditions...);
        }
    };
    for (const int call : kForbidden) forbid(EPERM, call);
    // A thread is allowed, a process is not. The filter cannot see the flags of clone3; without it
    // glibc takes clone.
    forbid(ENOSYS, SCMP_SYS(clone3));
    forbid(EPERM, SCMP_SYS(clone), SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    forbid(EPERM, SCMP_SYS(prlimit64), SCMP_A2(SCMP_CMP_NE, 0));  // reading the limits is allowed
    if (failed == 0) failed = seccomp_load(filter.get());
    if (failed != 0)
        return fail(ErrorKind::Internal, "the sandbox cannot filter system calls",
                    std::strerror(-failed));
    return {};
}

}  // namespace

Result<std::string> enter_sandbox(const Limits& limits) {
    std::string got = "limits seccomp";
    if (leave_network()) got += " network-namespace";
    if (kLimitsMemory) TITANS_TRY_VOID(limit(RLIMIT_AS, limits.memory_bytes));
    TITANS_TRY_VOID(limit(RLIMIT_CPU, static_cast<rlim_t>(limits.cpu_time.count())));
    TITANS_TRY_VOID(limit(RLIMIT_FSIZE, limits.file_bytes));
    TITANS_TRY_VOID(limit(RLIMIT_CORE, 0));
    TITANS_TRY_VOID(limit(RLIMIT_NOFILE, kOpenFiles));
    (void)std::signal(SIGXFSZ, SIG_IGN);  // write() says EFBIG instead
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) {
        return fail(ErrorKind::Internal, "the sandbox cannot give up privileges",
                    std::strerror(errno));
    }
    TITANS_TRY_VOID(filter_system_calls());
    skip_leak_check();
    return got;
}

}  // namespace titans::checkpoint
