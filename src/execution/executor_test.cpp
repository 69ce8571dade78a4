#include "execution/executor.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "execution/channel.h"
#include "execution/on_loop.h"

namespace titans {
namespace {

TEST(Executor, ResumesOnTheLoopThatAwaited) {
    Executor executor({.name = "test"});
    const bool same = on_loop<bool>([&]() -> Task<bool> {
        EventLoop& before = current_loop();
        const Result<std::thread::id> ran_on =
            co_await run_on(executor, [] { return std::this_thread::get_id(); });
        co_return &before == &current_loop() && *ran_on != std::this_thread::get_id();
    });
    EXPECT_TRUE(same);
}

TEST(Executor, PassesTheErrorOfAJobOn) {
    Executor executor({.name = "test"});
    const Result<int> result = on_loop<Result<int>>([&]() -> Task<Result<int>> {
        co_return co_await run_on(
            executor, []() -> Result<int> { return fail(ErrorKind::NotFound, "no such thing"); });
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::NotFound);
}

TEST(Executor, MakesAnExceptionAnInternalError) {
    Executor executor({.name = "test"});
    const Result<int> result = on_loop<Result<int>>([&]() -> Task<Result<int>> {
        co_return co_await run_on(executor,
                                  []() -> int { throw std::runtime_error("secret words"); });
    });
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::Internal);
    EXPECT_EQ(result.error().message, "internal error");
    EXPECT_EQ(result.error().detail, "secret words");
}

TEST(Executor, AnswersBusyWhenItsQueueIsFull) {
    Executor executor({.name = "test", .queue_size = 1});
    std::latch running(1);
    std::latch release(1);
    Executor::Job blocker = [&] {
        running.count_down();
        release.wait();
    };
    ASSERT_TRUE(executor.post(blocker));
    running.wait();
    Executor::Job waiting = [] {};
    ASSERT_TRUE(executor.post(waiting));
    const Result<int> result = on_loop<Result<int>>(
        [&]() -> Task<Result<int>> { co_return co_await run_on(executor, [] { return 1; }); });
    release.count_down();
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, ErrorKind::Busy);
}

/// An executor whose thread is busy until release(), so that what is posted meanwhile waits.
class HeldExecutor {
public:
    HeldExecutor() {
        Executor::Job blocker = [this] {
            running_.count_down();
            release_.wait();
        };
        executor.post(blocker);
        running_.wait();
    }
    /// What was posted has run when this returns.
    void release() {
        std::latch done(1);
        Executor::Job last = [&] { done.count_down(); };
        executor.post(last, Executor::Priority::Background);
        release_.count_down();
        done.wait();
    }

private:
    std::latch running_{1};
    std::latch release_{1};

public:
    Executor executor{{.name = "test"}};  // ends before what its jobs use
};

using enum Executor::Priority;

TEST(Executor, RunsTheMostUrgentFirst) {
    std::vector<Executor::Priority> order;
    HeldExecutor held;
    for (const auto priority : {Background, Later, FirstAudio, FirstWords, Hearing}) {
        Executor::Job job = [&order, priority] { order.push_back(priority); };
        held.executor.post(job, priority);
    }
    held.release();
    EXPECT_EQ(order, (std::vector{Hearing, FirstWords, FirstAudio, Later, Background}));
}

TEST(Executor, LetsEqualSteppersTakeTurns) {
    std::string order;
    HeldExecutor held;
    for (const char name : {'a', 'b'}) {
        Executor::Stepper stepper = [&order, name,
                                     left = 3]() mutable -> std::optional<Executor::Priority> {
            order += name;
            if (--left > 0) return Later;
            return std::nullopt;
        };
        held.executor.post(stepper, Later);
    }
    Executor::Job job = [&] { order += '.'; };
    held.executor.post(job, Later);
    held.release();
    EXPECT_EQ(order, "ab.abab");
}

TEST(Executor, RunsWhatIsMoreUrgentBetweenTwoSteps) {
    std::string order;
    HeldExecutor held;
    Executor::Stepper generation = [&, left = 4]() mutable -> std::optional<Executor::Priority> {
        order += 'g';
        if (left == 4) {  // a question is heard while the first step runs
            Executor::Job recognition = [&] { order += 'h'; };
            held.executor.post(recognition, Hearing);
        }
        if (--left > 0) return FirstWords;
        return std::nullopt;
    };
    held.executor.post(generation);
    held.release();
    EXPECT_EQ(order, "ghggg");
}

TEST(Executor, TakesAStepperAsUrgentAsItSaysItIs) {
    std::string order;
    HeldExecutor held;
    Executor::Stepper answer = [&, step = 0]() mutable -> std::optional<Executor::Priority> {
        order += 'a';
        ++step;
        if (step == 2) return Later;  // its first sentence is out
        if (step == 3) return std::nullopt;
        return FirstWords;
    };
    held.executor.post(answer);
    Executor::Job speech = [&] { order += 's'; };
    held.executor.post(speech, FirstAudio);
    held.release();
    EXPECT_EQ(order, "aasa");
}

TEST(Executor, ReadsTheRestOfTheWordsWhileTheFirstAudioIsSampled) {
    std::string order;
    HeldExecutor held;
    const auto post = [&](char name, int steps, Executor::Priority priority) {
        Executor::Stepper stepper = [&order, name, left = steps,
                                     priority]() mutable -> std::optional<Executor::Priority> {
            order += name;
            if (--left > 0) return priority;
            return std::nullopt;
        };
        held.executor.post(stepper, priority);
    };
    post('a', 7, FirstAudio);
    post('w', 2, Later);
    post('b', 1, Background);
    held.release();
    EXPECT_EQ(order, "aawaawaaab");
}

TEST(Executor, RunsStepsToTheirResult) {
    Executor executor({.name = "test"});
    const Result<int> sum = on_loop<Result<int>>([&]() -> Task<Result<int>> {
        auto steps = [number = 0, so_far = 0]() mutable -> std::optional<Result<int>> {
            so_far += ++number;
            if (number < 4) return std::nullopt;
            return so_far;
        };
        co_return co_await run_steps_on(executor, std::move(steps), Later);
    });
    EXPECT_EQ(sum, 10);
    const Result<int> thrown = on_loop<Result<int>>([&]() -> Task<Result<int>> {
        auto steps = [number = 0]() mutable -> std::optional<int> {
            if (++number < 3) return std::nullopt;
            throw std::runtime_error("secret words");
        };
        co_return co_await run_steps_on(executor, std::move(steps));
    });
    ASSERT_FALSE(thrown);
    EXPECT_EQ(thrown.error().kind, ErrorKind::Internal);
}

TEST(Executor, DropsASteppersOtherStepsWhenItEnds) {
    std::latch stepped(1);
    auto alive = std::make_shared<int>();
    const std::weak_ptr<int> held = alive;
    {
        Executor executor({.name = "test"});
        Executor::Stepper endless = [&stepped, kept = std::move(alive),
                                     first = true]() mutable -> std::optional<Executor::Priority> {
            if (std::exchange(first, false)) stepped.count_down();
            return Background;
        };
        executor.post(endless);
        stepped.wait();
    }
    EXPECT_TRUE(held.expired());
}

TEST(Channel, YieldsWhatOtherThreadsPushInOrderAndThenEnds) {
    Channel<int> channel;
    std::jthread producer([&] {
        for (int i = 1; i <= 1000; ++i) channel.push(i);
        channel.close();
    });
    const std::vector<int> got = on_loop<std::vector<int>>([&]() -> Task<std::vector<int>> {
        std::vector<int> values;
        while (std::optional<int> value = co_await channel.next()) values.push_back(*value);
        co_return values;
    });
    ASSERT_EQ(got.size(), 1000U);
    EXPECT_EQ(got.front(), 1);
    EXPECT_EQ(got.back(), 1000);
}

}  // namespace
}  // namespace titans
