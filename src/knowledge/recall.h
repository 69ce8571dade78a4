#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "execution/channel.h"
#include "execution/executor.h"
#include "execution/task.h"
#include "foundation/error.h"
#include "foundation/units.h"
#include "knowledge/embedder.h"
#include "store/character_store.h"

namespace titans::knowledge {

struct RecalledPassage {
    std::int64_t id = 0;
    std::string text;
    double score = 0;       // of the fused ranks, in (0, 0.033]; larger is better
    bool by_words = false;  // shares enough of the question's words
    std::optional<double>
        cosine;  // of the vectors of question and passage, if it was near enough to be found by it
};

/// What a character knows about a question.
struct Recollection {
    std::vector<RecalledPassage> passages;  // best first
    bool lexical_only = false;  // there was no vector search: no embedding model, or it failed
};

/// Finds the passages of a character that may answer a question, by their words and by their
/// meaning.
///
/// A passage is found by its words if its BM25 score is at least a fifth of what one occurrence of
/// each of the question's terms would score (of ten rare ones, if it is longer). Terms that most of
/// this character's passages hold weigh next to nothing, in any language and without a list of such
/// words: "what is the" alone finds little, and one rare word much. It is found by its meaning from
/// a cosine of 0.25 on. Both rankings are fused by reciprocal rank (Cormack, Clarke and Büttcher,
/// SIGIR 2009).
///
/// Thread-safe.
class Recall {
public:
    /// `embedder` may be null: then words alone decide. It runs on `compute`. All must outlive
    /// this.
    Recall(store::CharacterStore& characters, Embedder* embedder, Executor& compute)
        : characters_(characters), embedder_(embedder), compute_(compute) {}

    /// At most 3 passages. Errors: Cancelled; Internal; Busy.
    Task<Result<Recollection>> recall(CharacterId id, std::string question, std::stop_token stop);

private:
    using Found = Result<std::vector<store::ScoredPassage>>;

    DetachedTask find_by_words_beside(CharacterId id, std::string question,
                                      std::shared_ptr<Channel<Found>> outcome);
    Task<Found> find_by_words(CharacterId id, std::string question);
    Task<Found> find_by_meaning(CharacterId id, std::string question, std::stop_token stop);

    store::CharacterStore& characters_;
    Embedder* const embedder_;
    Executor& compute_;
};

}  // namespace titans::knowledge
