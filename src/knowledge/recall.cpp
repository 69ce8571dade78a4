#include "knowledge/recall.h"

#include <algorithm>
#include <utility>

#include "foundation/log.h"
#include "knowledge/terms.h"
#include "store/bm25.h"
#include "text/utf8.h"
#include "text/words.h"

namespace titans::knowledge {

namespace {

using store::ScoredPassage;

constexpr std::size_t kMost = 3;
constexpr int kCandidates = 20;  // of each search
constexpr double kFusion = 60;   // Cormack's k
constexpr double kLeastCosine = 0.25;
constexpr double kLeastShare = 0.2;
constexpr double kMostAsked = 10;  // terms of weight: a long story asks for no more than this
constexpr std::int64_t kFewPassages = 100;
constexpr std::size_t kLongestQuestion = 8000;  // bytes that are looked at
constexpr std::size_t kMostTerms = 100;

/// The distinct terms of a question, in its order.
std::vector<std::string> question_terms(std::string_view question) {
    std::vector<std::string> terms;
    text::WordCutter words;
    for (std::string& term : search_terms(words, text::truncate(question, kLongestQuestion))) {
        if (std::ranges::find(terms, term) == terms.end()) terms.push_back(std::move(term));
        if (terms.size() == kMostTerms) break;
    }
    return terms;
}

/// Of the terms of a question those worth searching for: not what more than half of many passages
/// hold, which takes longest to rank and says least.
std::vector<std::string> telling_terms(std::vector<std::string> terms,
                                       const store::WordCounts& counts) {
    std::vector<std::string> telling;
    for (std::size_t i = 0; i < terms.size(); ++i) {
        const bool common = counts.containing[i] > counts.passages / 2;
        if (!common || counts.passages < kFewPassages) telling.push_back(std::move(terms[i]));
    }
    return telling;
}

/// The score from which on a passage counts as found by its words. A term that no passage holds
/// counts like one that one does: it says something was asked that is not known, but not more than
/// that.
double least_score(const store::WordCounts& counts) {
    double asked = 0;
    for (const std::int64_t containing : counts.containing) {
        asked += store::bm25_weight(counts.passages, std::max<std::int64_t>(containing, 1));
    }
    return kLeastShare * std::min(asked, kMostAsked * store::bm25_weight(counts.passages, 1));
}

void add_rank(std::vector<RecalledPassage>& fused, const ScoredPassage& found, std::size_t rank,
              bool by_words) {
    auto same = std::ranges::find_if(fused, [&](const RecalledPassage& passage) {
        return passage.id == found.passage.id || passage.text == found.passage.text;
    });
    if (same == fused.end()) {
        fused.push_back({.id = found.passage.id, .text = found.passage.text});
        same = std::prev(fused.end());
    }
    if (by_words ? same->by_words : same->cosine.has_value()) return;  // a repeated text
    same->score += 1 / (kFusion + static_cast<double>(rank) + 1);
    if (by_words) {
        same->by_words = true;
    } else {
        same->cosine = found.score;
    }
}

}  // namespace

Task<Result<std::vector<ScoredPassage>>> Recall::find_by_words(CharacterId id,
                                                               std::string question) {
    std::vector<std::string> terms = question_terms(question);
    TITANS_CO_TRY(const store::WordCounts counts, co_await characters_.count_words(id, terms));
    terms = telling_terms(std::move(terms), counts);
    if (terms.empty() || counts.passages == 0) co_return std::vector<ScoredPassage>();
    TITANS_CO_TRY(std::vector<ScoredPassage> found,
                  co_await characters_.search_words(id, std::move(terms), kCandidates));
    const double least = least_score(counts);
    std::erase_if(found, [least](const ScoredPassage& passage) { return passage.score < least; });
    co_return found;
}

Task<Result<std::vector<ScoredPassage>>> Recall::find_by_meaning(CharacterId id,
                                                                 std::string question,
                                                                 std::stop_token stop) {
    Milliseconds embedding{};
    auto embed = [embedder = embedder_, question = std::move(question), stop, &embedding] {
        const Clock::time_point start = Clock::now();
        auto vectors = embedder->embed(std::span(&question, 1), TextRole::Query, stop);
        embedding = since(start);
        return vectors;
    };
    TITANS_CO_TRY(std::vector<Embedding> embeddings,
                  co_await run_on(compute_, std::move(embed), Executor::Priority::Hearing));
    if (embeddings.size() != 1)
        co_return fail(ErrorKind::Internal, "the embedding model failed", "no vector came");
    const Clock::time_point start = Clock::now();
    TITANS_CO_TRY(std::vector<ScoredPassage> found,
                  co_await characters_.search_vectors(id, embedder_->model(),
                                                      std::move(embeddings.front()), kCandidates));
    log::debug("recall.by_meaning", "character={} embed_ms={:.2f} search_ms={:.2f}", id.value,
               embedding.count(), since(start).count());
    std::erase_if(found,
                  [](const ScoredPassage& passage) { return !(passage.score >= kLeastCosine); });
    co_return found;
}

DetachedTask Recall::find_by_words_beside(CharacterId id, std::string question,
                                          std::shared_ptr<Channel<Found>> outcome) {
    outcome->push(co_await find_by_words(id, std::move(question)));
}

Task<Result<Recollection>> Recall::recall(CharacterId id, std::string question,
                                          std::stop_token stop) {
    Recollection recollection{.lexical_only = embedder_ == nullptr};
    std::vector<RecalledPassage>& passages = recollection.passages;
    question.resize(text::truncate(question, kLongestQuestion).size());

    // The database looks for the words while the embedding model reads the question.
    const auto outcome = std::make_shared<Channel<Found>>();
    find_by_words_beside(id, question, outcome);
    std::optional<Found> by_meaning;
    if (embedder_ != nullptr) by_meaning = co_await find_by_meaning(id, std::move(question), stop);
    TITANS_CO_TRY(const std::vector<ScoredPassage> by_words, *co_await outcome->next());
    if (stop.stop_requested()) co_return fail(ErrorKind::Cancelled, "the question was cancelled");

    for (std::size_t rank = 0; rank < by_words.size(); ++rank)
        add_rank(passages, by_words[rank], rank, true);
    if (by_meaning) {
        if (const Found& found = *by_meaning) {
            for (std::size_t rank = 0; rank < found->size(); ++rank)
                add_rank(passages, (*found)[rank], rank, false);
        } else {
            // Words are better than no answer.
            log::warn("recall.lexical_only", "kind={} message=\"{}\" detail=\"{}\"",
                      to_string(found.error().kind), found.error().message, found.error().detail);
            recollection.lexical_only = true;
        }
    }
    std::ranges::stable_sort(passages, [](const RecalledPassage& a, const RecalledPassage& b) {
        return a.score > b.score;
    });
    if (passages.size() > kMost) passages.resize(kMost);
    co_return recollection;
}

}  // namespace titans::knowledge
