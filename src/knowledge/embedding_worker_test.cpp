#include "knowledge/embedding_worker.h"

#include <gtest/gtest.h>

#include <latch>

#include "knowledge/testing.h"

namespace titans::knowledge {
namespace {

class EmbeddingWorkerTest : public ::testing::Test {
protected:
    std::vector<std::string> passages(int count) {
        std::vector<std::string> texts;
        for (int i = 0; i < count; ++i) texts.push_back(std::format("sea {}", i));
        return texts;
    }
    /// What `start` begins runs to its end, and the worker with it.
    void run(std::function<Task<>(EmbeddingWorker&)> start) {
        on_loop<int>([&]() -> Task<int> {
            EmbeddingWorker worker(*store_, embedder_, compute_);
            co_await start(worker);
            co_await settle(worker);
            co_return 0;
        });
    }
    Task<> settle(EmbeddingWorker& worker) {
        while (!worker.is_idle()) co_await store_->file_names();  // lets others run
    }
    Task<std::size_t> left(CharacterId id) {
        co_return (co_await store_->without_vector(id, std::string("topics"), 100000))->size();
    }

    TestStore store_;
    Executor compute_{{.name = "compute"}};
    TopicEmbedder embedder_;
};

TEST_F(EmbeddingWorkerTest, EmbedsInTheBackgroundWhatEarlierRunsLeft) {
    store_.create(passages(300));
    store_.create(passages(20));
    run([](EmbeddingWorker& worker) -> Task<> {
        worker.wake();
        co_return;
    });
    EXPECT_EQ(store_.without_vector({}, "topics"), 0U);
    EXPECT_LE(embedder_.largest_call, 32U);
    EXPECT_GT(embedder_.calls, 10);
    EXPECT_EQ(embedder_.last_role, TextRole::Passage);
}

TEST_F(EmbeddingWorkerTest, EmbedsEveryCharacterItIsWokenFor) {
    const CharacterId first = store_.create(passages(40));
    const CharacterId second = store_.create(passages(40));
    const CharacterId third = store_.create(passages(40));
    run([&](EmbeddingWorker& worker) -> Task<> {
        worker.wake(first);
        worker.wake(second);
        worker.wake(first);
        co_return;
    });
    EXPECT_EQ(store_.without_vector({}, "topics"), 40U);
    EXPECT_EQ(store_.without_vector(third, "topics"), 40U);
}

TEST_F(EmbeddingWorkerTest, EmbedsANewCharacterBeforeItAnswers) {
    const CharacterId id = store_.create(passages(100));
    run([&](EmbeddingWorker& worker) -> Task<> {
        co_await worker.embed_now(id, Milliseconds(60000), {});
        EXPECT_EQ(co_await left(id), 0U);
    });
}

TEST_F(EmbeddingWorkerTest, LeavesTheRestToTheBackgroundWhenItsTimeIsOver) {
    const CharacterId id = store_.create(passages(300));
    run([&](EmbeddingWorker& worker) -> Task<> {
        co_await worker.embed_now(id, Milliseconds(0), {});
        EXPECT_LT(embedder_.calls, 10);
    });
    EXPECT_EQ(store_.without_vector(id, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, DoesNotWaitLongerThanItsTimeForABusyExecutor) {
    const CharacterId id = store_.create(passages(3));
    std::latch release(1);
    Executor::Job busy = [&] { release.wait(); };
    ASSERT_TRUE(compute_.post(busy));
    run([&](EmbeddingWorker& worker) -> Task<> {
        co_await worker.embed_now(id, Milliseconds(20), {});  // else it would never return
        EXPECT_EQ(embedder_.calls, 0);
        release.count_down();
    });
    EXPECT_EQ(store_.without_vector(id, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, GivesUpUntilWokenAgainIfTheModelFails) {
    const CharacterId id = store_.create(passages(5));
    const CharacterId other = store_.create(passages(5));
    embedder_.fails = true;
    run([&](EmbeddingWorker& worker) -> Task<> {
        co_await worker.embed_now(id, Milliseconds(60000), {});
        co_await settle(worker);
        EXPECT_EQ(embedder_.calls, 1);
        worker.wake(other);
        co_await settle(worker);
        EXPECT_EQ(embedder_.calls, 2);
        embedder_.fails = false;
        worker.wake(other);
    });
    EXPECT_EQ(store_.without_vector({}, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, StopsWhenNobodyWaitsAnyMore) {
    const CharacterId id = store_.create(passages(3000));
    std::stop_source stop;
    embedder_.on_call = [&] { stop.request_stop(); };
    run([&](EmbeddingWorker& worker) -> Task<> {
        co_await worker.embed_now(id, Milliseconds(60000), stop.get_token());
        EXPECT_GT(co_await left(id), 2500U);
    });
    EXPECT_EQ(store_.without_vector(id, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, EndsWithItsWork) {
    store_.create(passages(3000));
    std::size_t left = 0;
    on_loop<int>([&]() -> Task<int> {
        const auto settle = [this]() -> Task<> {
            for (int i = 0; i < 20; ++i) co_await run_on(compute_, [] {});
            for (int i = 0; i < 20; ++i) co_await store_->file_names();
        };
        auto worker = std::make_unique<EmbeddingWorker>(*store_, embedder_, compute_);
        worker->wake();
        while (embedder_.calls == 0) co_await store_->file_names();
        worker.reset();
        // What it had begun still comes back to this loop; nothing follows it.
        co_await settle();
        left = store_.without_vector({}, "topics");
        co_await settle();
        co_return 0;
    });
    EXPECT_GT(left, 0U);
    EXPECT_EQ(store_.without_vector({}, "topics"), left);
}

}  // namespace
}  // namespace titans::knowledge
