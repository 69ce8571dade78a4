#pragma once

#include <memory>
#include <stop_token>

#include "execution/executor.h"
#include "execution/task.h"
#include "foundation/units.h"
#include "knowledge/embedder.h"
#include "store/character_store.h"

namespace titans::knowledge {

/// Gives passages their vectors: those of a new character at once as far as its budget goes, all
/// others when nobody waits for the compute executor. What is left to do stands in the store, so a
/// restart loses nothing.
///
/// Thread-safe; call it on event loops. All that it is given must outlive it. Destroy it on the
/// loop that woke it first, or when the loops have ended.
class EmbeddingWorker {
public:
    EmbeddingWorker(store::CharacterStore& characters, Embedder& embedder, Executor& compute);
    EmbeddingWorker(const EmbeddingWorker&) = delete;
    EmbeddingWorker& operator=(const EmbeddingWorker&) = delete;
    ~EmbeddingWorker();

    /// There may be passages of `id` without a vector; id 0: of any character. Call it so once
    /// after the start. If the embedder fails, that is logged, and the next call tries again.
    void wake(CharacterId id = {});

    /// Embeds the passages of `id` with the priority of what people wait for. Returns when they are
    /// done, `budget` is over (even if the executor is busy with something else) or `stop` fires;
    /// the rest is left to the background.
    Task<> embed_now(CharacterId id, Milliseconds budget, std::stop_token stop);

    /// Nothing is being embedded or about to be.
    bool is_idle() const;

private:
    struct State;

    static DetachedTask work(std::shared_ptr<State> state);

    const std::shared_ptr<State> state_;  // shared with the coroutines, which may end later
};

}  // namespace titans::knowledge
