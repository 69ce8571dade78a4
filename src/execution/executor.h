#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <type_traits>
#include <vector>

#include "execution/event_loop.h"
#include "execution/task.h"
#include "foundation/error.h"

namespace titans {

/// Threads for one kind of work (STYLE: decoding, inference, files), with a bounded queue.
///
/// Thread-safe. The destructor finishes what runs and drops what waits.
class Executor {
public:
    /// What people wait for goes before what nobody does.
    enum class Priority : std::uint8_t { Interactive, Background };

    struct Options {
        std::string name;  // of the threads and in errors, at most 15 characters
        int threads = 1;
        std::size_t queue_size = 64;  // waiting jobs of each priority
        int nice = 0;  // added to the process's; threads that the jobs start inherit it
    };

    using Job = std::move_only_function<void()>;

    explicit Executor(Options options);
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    ~Executor();

    /// False if the queue is full; the job is then untouched.
    bool post(Job& job, Priority priority = Priority::Interactive);

    const std::string& name() const { return options_.name; }
    /// Jobs that wait.
    std::size_t waiting() const;

private:
    void work(const std::stop_token& stop);
    std::deque<Job>& queue(Priority priority) {
        return priority == Priority::Interactive ? interactive_ : background_;
    }

    const Options options_;
    mutable std::mutex mutex_;  // guards the two queues
    std::condition_variable_any ready_;
    std::deque<Job> interactive_;
    std::deque<Job> background_;
    std::vector<std::jthread> threads_;
};

namespace detail {

template <typename T>
struct AsResult {
    using type = Result<T>;
};
template <typename T>
struct AsResult<Result<T>> {
    using type = Result<T>;
};

/// Logs what the job threw and makes it an Error.
Error unexpected_exception(const std::string& executor, const std::exception* exception);

template <typename Function>
class RunOn {
public:
    using Value = typename AsResult<std::invoke_result_t<Function&>>::type;

    RunOn(Executor& executor, Function function, Executor::Priority priority)
        : executor_(executor), function_(std::move(function)), priority_(priority) {}

    bool await_ready() const noexcept { return false; }

    bool await_suspend(std::coroutine_handle<> caller) {
        // The loop outlives the job: loops end after the executors do.
        EventLoop& loop = current_loop();
        Executor::Job job = [this, caller, &loop] {
            run();
            loop.queueInLoop([caller] { caller.resume(); });
        };
        if (executor_.post(job, priority_)) return true;
        value_ = fail(ErrorKind::Busy,
                      "the server is busy: too many requests wait for " + executor_.name());
        return false;
    }

    Value await_resume() { return *std::move(value_); }

private:
    void run() {
        try {
            if constexpr (std::is_void_v<std::invoke_result_t<Function&>>) {
                function_();
                value_.emplace();
            } else {
                value_.emplace(function_());
            }
        } catch (const std::exception& exception) {
            value_ = std::unexpected(unexpected_exception(executor_.name(), &exception));
        } catch (...) {
            value_ = std::unexpected(unexpected_exception(executor_.name(), nullptr));
        }
    }

    Executor& executor_;
    Function function_;
    Executor::Priority priority_;
    std::optional<Value> value_;
};

}  // namespace detail

/// co_await run_on(executor, job): runs job() there and resumes on the loop that awaited it, with
/// its Result. Busy at once if the executor's queue is full; Internal if the job throws.
template <typename Function>
auto run_on(Executor& executor, Function function,
            Executor::Priority priority = Executor::Priority::Interactive) {
    return detail::RunOn<Function>(executor, std::move(function), priority);
}

}  // namespace titans
