#pragma once

#include <array>
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
/// It is also the arbiter of its thread: whenever a job ends or a stepper has done a step, the most
/// urgent of all that wait is next, and among equals the one that has waited longest. Every third
/// step of Priority::FirstAudio gives way to one of Later: audio may be sampled for many seconds,
/// and the words behind it, of which little is to be done, are read meanwhile. Nothing is
/// interrupted: work that may take longer than a tenth of a second and can be cut is a stepper.
///
/// Thread-safe. The destructor finishes the job or step that runs and drops what waits.
class Executor {
public:
    /// The most urgent first. The middle ones are the stages of a turn.
    enum class Priority : std::uint8_t {
        Hearing,     // a question becomes text and finds its passages: all else begins with that
        FirstWords,  // an answer up to its first sentence; whatever else somebody waits for
        FirstAudio,  // that sentence, spoken
        Later,       // the rest of an answer: one listens to its beginning meanwhile
        Background,  // what nobody waits for
    };

    struct Options {
        std::string name;  // of the threads and in errors, at most 15 characters
        int threads = 1;
        std::size_t queue_size = 64;  // waiting jobs of each priority
        int nice = 0;  // added to the process's; threads that the jobs start inherit it
    };

    using Job = std::move_only_function<void()>;
    /// Does one bounded step (a token, a batch, a window) and says how urgent the next one is;
    /// nothing: that was the last. What it works on must be its own: between two steps anything
    /// else may run, also another stepper of the same engine.
    using Stepper = std::move_only_function<std::optional<Priority>()>;

    explicit Executor(Options options);
    Executor(const Executor&) = delete;
    Executor& operator=(const Executor&) = delete;
    ~Executor();

    /// False if the queue is full; the job is then untouched.
    bool post(Job& job, Priority priority = Priority::FirstWords);
    bool post(Stepper& stepper, Priority priority = Priority::FirstWords);

    const std::string& name() const { return options_.name; }
    /// Jobs that wait, and steppers between two steps.
    std::size_t waiting() const;

private:
    template <typename Work>
    bool enqueue(Work& work, Priority priority);
    void work(const std::stop_token& stop);
    std::deque<Stepper>& queue(Priority priority) {
        return queues_[static_cast<std::size_t>(priority)];
    }

    const Options options_;
    mutable std::mutex mutex_;  // guards the queues
    std::condition_variable_any ready_;
    std::array<std::deque<Stepper>, static_cast<std::size_t>(Priority::Background) + 1> queues_;
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

/// What a step returns: nothing as long as there is more to do.
template <typename T>
struct StepsResult;
template <typename T>
struct StepsResult<std::optional<T>> : AsResult<T> {};

/// Logs what the job threw and makes it an Error.
Error unexpected_exception(const std::string& executor, const std::exception* exception);

/// Posts work from a coroutine and resumes it, with a Value, where that has ended.
template <typename Value>
class Awaited {
public:
    Awaited(Executor& executor, Executor::Priority priority)
        : executor_(executor), priority_(priority) {}

    bool await_ready() const noexcept { return false; }
    Value await_resume() { return *std::move(value_); }

protected:
    /// False, with Busy as the value, if the queue is full. `step` returns true when the value is
    /// there.
    template <typename Step>
    bool post(std::coroutine_handle<> caller, Step step) {
        // The loop outlives the job: loops end after the executors do.
        EventLoop& loop = current_loop();
        Executor::Stepper stepper = [this, caller, &loop,
                                     step]() -> std::optional<Executor::Priority> {
            bool ended = true;
            try {
                ended = step();
            } catch (const std::exception& exception) {
                value_ = std::unexpected(unexpected_exception(executor_.name(), &exception));
            } catch (...) {
                value_ = std::unexpected(unexpected_exception(executor_.name(), nullptr));
            }
            if (!ended) return priority_;
            loop.queueInLoop([caller] { caller.resume(); });
            return std::nullopt;
        };
        if (executor_.post(stepper, priority_)) return true;
        value_ = fail(ErrorKind::Busy,
                      "the server is busy: too many requests wait for " + executor_.name());
        return false;
    }

    std::optional<Value> value_;

private:
    Executor& executor_;
    const Executor::Priority priority_;
};

template <typename Function>
class RunOn : public Awaited<typename AsResult<std::invoke_result_t<Function&>>::type> {
public:
    RunOn(Executor& executor, Function function, Executor::Priority priority)
        : Awaited<typename AsResult<std::invoke_result_t<Function&>>::type>(executor, priority),
          function_(std::move(function)) {}

    bool await_suspend(std::coroutine_handle<> caller) {
        return this->post(caller, [this] {
            if constexpr (std::is_void_v<std::invoke_result_t<Function&>>) {
                function_();
                this->value_.emplace();
            } else {
                this->value_.emplace(function_());
            }
            return true;
        });
    }

private:
    Function function_;
};

template <typename Step>
class RunStepsOn : public Awaited<typename StepsResult<std::invoke_result_t<Step&>>::type> {
public:
    RunStepsOn(Executor& executor, Step step, Executor::Priority priority)
        : Awaited<typename StepsResult<std::invoke_result_t<Step&>>::type>(executor, priority),
          step_(std::move(step)) {}

    bool await_suspend(std::coroutine_handle<> caller) {
        return this->post(caller, [this] {
            auto value = step_();
            if (!value) return false;
            this->value_.emplace(*std::move(value));
            return true;
        });
    }

private:
    Step step_;
};

}  // namespace detail

/// co_await run_on(executor, job): runs job() there and resumes on the loop that awaited it, with
/// its Result. Busy at once if the executor's queue is full; Internal if the job throws.
template <typename Function>
auto run_on(Executor& executor, Function function,
            Executor::Priority priority = Executor::Priority::FirstWords) {
    return detail::RunOn<Function>(executor, std::move(function), priority);
}

/// The same for work in steps: `step` is called until the std::optional that it returns holds the
/// result (a T or a Result<T>), and between two calls whatever is more urgent, or as urgent and has
/// waited, has its turn. So a recogniser that works block by block gives way:
///
///     co_await run_steps_on(compute, [hearing = Hearing(ears, audio)]() mutable {
///         return hearing.step();  // std::optional<Result<Transcript>>
///     }, Executor::Priority::Hearing);
template <typename Step>
auto run_steps_on(Executor& executor, Step step,
                  Executor::Priority priority = Executor::Priority::FirstWords) {
    return detail::RunStepsOn<Step>(executor, std::move(step), priority);
}

}  // namespace titans
