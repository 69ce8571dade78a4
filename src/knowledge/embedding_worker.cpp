#include "knowledge/embedding_worker.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <utility>

#include "execution/channel.h"
#include "foundation/log.h"

namespace titans::knowledge {

namespace {

constexpr int kPage = 256;       // passages asked for at once
constexpr double kBatchMs = 50;  // what a question may have to wait for in the background
constexpr double kMostBatch = 32;

}  // namespace

struct EmbeddingWorker::State {
    /// How to go on with a character's passages.
    struct Effort {
        Executor::Priority priority;
        Clock::time_point end;
        std::stop_token stop;
    };

    store::CharacterStore& characters;
    Embedder& embedder;
    Executor& compute;
    std::stop_source ended;       // the worker is gone, and what it was given may be
    std::atomic<int> running{0};  // coroutines
    std::mutex mutex;             // guards the rest
    std::set<CharacterId> waiting;
    bool working = false;

    bool has_ended() const { return ended.stop_requested(); }

    /// True: all passages of `id` have vectors.
    static Task<Result<bool>> embed(std::shared_ptr<State> state, CharacterId id, Effort effort);
    static DetachedTask embed_and_tell(std::shared_ptr<State> state, CharacterId id, Effort effort,
                                       std::shared_ptr<Channel<bool>> done);
    /// Logs it; the next wake() looks at all characters.
    void note_failure(CharacterId id, const Error& error);
};

Task<Result<bool>> EmbeddingWorker::State::embed(std::shared_ptr<State> state, CharacterId id,
                                                 Effort effort) {
    double batch = 1;  // the first one may have to load the model
    const std::string model = state->embedder.model();
    while (true) {
        Result<std::vector<store::Passage>> page =
            co_await state->characters.without_vector(id, model, kPage);
        if (!page) co_return std::unexpected(std::move(page).error());
        if (state->has_ended()) co_return false;
        if (page->empty()) co_return true;
        for (std::size_t start = 0; start < page->size();) {
            if (effort.stop.stop_requested() || Clock::now() >= effort.end) co_return false;
            const std::size_t end = std::min(page->size(), start + static_cast<std::size_t>(batch));
            std::vector<std::string> texts;
            for (std::size_t i = start; i < end; ++i) texts.push_back(std::move((*page)[i].text));
            Milliseconds time{};
            auto job = [state, texts = std::move(texts), stop = effort.stop, &time]() {
                const Clock::time_point before = Clock::now();
                auto vectors = state->embedder.embed(texts, TextRole::Passage, stop);
                time = since(before);
                return vectors;
            };
            Result<std::vector<Embedding>> vectors =
                co_await run_on(state->compute, std::move(job), effort.priority);
            if (!vectors) co_return std::unexpected(std::move(vectors).error());
            if (state->has_ended()) co_return false;
            if (vectors->size() != end - start) {
                co_return fail(ErrorKind::Internal, "the embedding model failed",
                               "not one vector for each text");
            }
            std::vector<store::PassageVector> rows;
            for (std::size_t i = start; i < end; ++i)
                rows.push_back({(*page)[i].id, std::move((*vectors)[i - start])});
            Result<void> saved = co_await state->characters.save_vectors(model, std::move(rows));
            if (!saved) co_return std::unexpected(std::move(saved).error());
            if (state->has_ended()) co_return false;
            const double each = std::max(time.count() / static_cast<double>(end - start), 0.1);
            batch = std::clamp(kBatchMs / each, 1.0, std::min(kMostBatch, batch * 2));
            start = end;
        }
    }
}

void EmbeddingWorker::State::note_failure(CharacterId id, const Error& error) {
    log::warn("embedding.failed", "character={} message=\"{}\" detail=\"{}\"", id.value,
              error.message, error.detail);
    const std::lock_guard lock(mutex);
    waiting = {CharacterId{}};
}

DetachedTask EmbeddingWorker::State::embed_and_tell(std::shared_ptr<State> state, CharacterId id,
                                                    Effort effort,
                                                    std::shared_ptr<Channel<bool>> done) {
    ++state->running;
    const Result<bool> complete = co_await embed(state, id, effort);
    const bool failed = !complete && complete.error().kind != ErrorKind::Cancelled;
    if (failed && !state->has_ended()) state->note_failure(id, complete.error());
    // After a failure the background would only fail again.
    done->push(failed || complete.value_or(false));
    done->close();
    --state->running;
}

EmbeddingWorker::EmbeddingWorker(store::CharacterStore& characters, Embedder& embedder,
                                 Executor& compute)
    : state_(std::make_shared<State>(characters, embedder, compute)) {}

EmbeddingWorker::~EmbeddingWorker() { state_->ended.request_stop(); }

bool EmbeddingWorker::is_idle() const { return state_->running == 0; }

void EmbeddingWorker::wake(CharacterId id) {
    {
        const std::lock_guard lock(state_->mutex);
        state_->waiting.insert(id);
        if (std::exchange(state_->working, true)) return;
    }
    work(state_);
}

DetachedTask EmbeddingWorker::work(std::shared_ptr<State> state) {
    ++state->running;
    const State::Effort effort{Executor::Priority::Background, Clock::time_point::max(),
                               state->ended.get_token()};
    bool failed = false;
    while (true) {
        CharacterId id;
        {
            const std::lock_guard lock(state->mutex);
            if (failed || state->waiting.empty() || state->has_ended()) {
                state->working = false;
                break;
            }
            id = *state->waiting.begin();
            state->waiting.erase(state->waiting.begin());
        }
        const Result<bool> complete = co_await State::embed(state, id, effort);
        failed = !complete;
        if (failed && !state->has_ended()) state->note_failure(id, complete.error());
    }
    --state->running;
}

Task<> EmbeddingWorker::embed_now(CharacterId id, Milliseconds budget, std::stop_token stop) {
    const auto done = std::make_shared<Channel<bool>>();
    const Clock::time_point end =
        Clock::now() + std::chrono::duration_cast<Clock::duration>(budget);
    State::embed_and_tell(state_, id, {Executor::Priority::Later, end, stop}, done);
    // Whichever is first ends the wait.
    current_loop().runAfter(std::chrono::duration<double>(budget).count(),
                            [done] { done->close(); });
    const std::stop_callback on_stop(stop, [done] { done->close(); });
    const std::optional<bool> complete = co_await done->next();
    if (!complete.value_or(false)) wake(id);
}

}  // namespace titans::knowledge
