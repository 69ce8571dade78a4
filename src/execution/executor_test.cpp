#include "execution/executor.h"

#include <gtest/gtest.h>

#include <latch>
#include <stdexcept>

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

TEST(Executor, RunsWhatPeopleWaitForFirst) {
    std::vector<int> order;
    {
        Executor executor({.name = "test"});
        std::latch running(1);
        std::latch release(1);
        std::latch done(2);
        Executor::Job blocker = [&] {
            running.count_down();
            release.wait();
        };
        Executor::Job background = [&] {
            order.push_back(2);
            done.count_down();
        };
        Executor::Job interactive = [&] {
            order.push_back(1);
            done.count_down();
        };
        executor.post(blocker);
        running.wait();
        executor.post(background, Executor::Priority::Background);
        executor.post(interactive);
        release.count_down();
        done.wait();
    }
    EXPECT_EQ(order, (std::vector{1, 2}));
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
