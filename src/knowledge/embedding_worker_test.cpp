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
    /// Runs on a loop until no passage is without its vector.
    void work_until_done(const std::function<void(EmbeddingWorker&)>& start) {
        on_loop<int>([&]() -> Task<int> {
            EmbeddingWorker worker(*store_, embedder_, compute_);
            start(worker);
            while (!(co_await store_->without_vector(CharacterId{}, std::string("topics"), 1))
                        ->empty()) {
            }
            co_return 0;
        });
    }
    void embed_now(CharacterId id, Milliseconds budget, std::stop_token stop = {}) {
        on_loop<int>([&]() -> Task<int> {
            EmbeddingWorker worker(*store_, embedder_, compute_);
            co_await worker.embed_now(id, budget, stop);
            co_return 0;
        });
    }

    TestStore store_;
    Executor compute_{{.name = "compute"}};
    TopicEmbedder embedder_;
};

TEST_F(EmbeddingWorkerTest, EmbedsInTheBackgroundWhatEarlierRunsLeft) {
    store_.create(passages(300));
    store_.create(passages(20));
    work_until_done([](EmbeddingWorker& worker) { worker.wake(); });
    EXPECT_EQ(store_.without_vector({}, "topics"), 0U);
    EXPECT_LE(embedder_.largest_call, 32U);
    EXPECT_GT(embedder_.calls, 10);
}

TEST_F(EmbeddingWorkerTest, EmbedsEveryCharacterItIsWokenFor) {
    const CharacterId first = store_.create(passages(40));
    const CharacterId second = store_.create(passages(40));
    work_until_done([&](EmbeddingWorker& worker) {
        worker.wake(first);
        worker.wake(second);
        worker.wake(first);
    });
    EXPECT_EQ(store_.without_vector({}, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, EmbedsANewCharacterBeforeItAnswers) {
    const CharacterId id = store_.create(passages(100));
    embed_now(id, Milliseconds(60000));
    EXPECT_EQ(store_.without_vector(id, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, LeavesTheRestToTheBackgroundWhenItsTimeIsOver) {
    const CharacterId id = store_.create(passages(300));
    on_loop<int>([&]() -> Task<int> {
        EmbeddingWorker worker(*store_, embedder_, compute_);
        co_await worker.embed_now(id, Milliseconds(0), {});
        EXPECT_LT(embedder_.calls, 10);
        while (!(co_await store_->without_vector(id, std::string("topics"), 1))->empty()) {
        }
        co_return 0;
    });
    EXPECT_EQ(store_.without_vector(id, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, DoesNotWaitLongerThanItsTimeForABusyExecutor) {
    const CharacterId id = store_.create(passages(3));
    std::latch release(1);
    Executor::Job busy = [&] { release.wait(); };
    ASSERT_TRUE(compute_.post(busy));
    on_loop<int>([&]() -> Task<int> {
        EmbeddingWorker worker(*store_, embedder_, compute_);
        co_await worker.embed_now(id, Milliseconds(20), {});  // would never return
        EXPECT_EQ(embedder_.calls, 0);
        release.count_down();
        while (!(co_await store_->without_vector(id, std::string("topics"), 1))->empty()) {
        }
        co_return 0;
    });
}

TEST_F(EmbeddingWorkerTest, GivesUpUntilWokenAgainIfTheModelFails) {
    const CharacterId id = store_.create(passages(5));
    embedder_.fails = true;
    embed_now(id, Milliseconds(60000));
    const int calls = embedder_.calls;
    EXPECT_LE(calls, 2);
    embedder_.fails = false;
    work_until_done([](EmbeddingWorker& worker) { worker.wake(); });
    EXPECT_EQ(store_.without_vector(id, "topics"), 0U);
}

TEST_F(EmbeddingWorkerTest, StopsWhenNobodyWaitsAnyMore) {
    const CharacterId id = store_.create(passages(3000));
    std::stop_source stop;
    embedder_.on_call = [&] { stop.request_stop(); };
    embed_now(id, Milliseconds(60000), stop.get_token());
    EXPECT_GT(store_.without_vector(id, "topics"), 2500U);
}

}  // namespace
}  // namespace titans::knowledge
