#include "knowledge/recall.h"

#include <algorithm>
#include <utility>

#include "foundation/log.h"
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
constexpr double kLeastShare = 0.25;
constexpr std::size_t kLongestQuestion = 8000;  // bytes that are looked at
constexpr std::size_t kMostWords = 64;

/// The distinct words of a question, in its order.
std::vector<std::string> question_words(std::string_view question) {
    std::vector<std::string> words;
    for (std::string& word : text::WordCutter().cut(text::truncate(question, kLongestQuestion))) {
        if (std::ranges::find(words, word) == words.end()) words.push_back(std::move(word));
        if (words.size() == kMostWords) break;
    }
    return words;
}

/// The score from which on a passage counts as found by its words. A word that no passage holds
/// counts like one that one does: it says something was asked that is not known, but not more than
/// that.
double least_score(const store::WordCounts& counts) {
    double all = 0;
    for (const std::int64_t containing : counts.containing) {
        all += store::bm25_weight(counts.passages, std::max<std::int64_t>(containing, 1));
    }
    return kLeastShare * all;
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
    std::vector<std::string> words = question_words(question);
    if (words.empty()) co_return std::vector<ScoredPassage>();
    TITANS_CO_TRY(const store::WordCounts counts, co_await characters_.count_words(id, words));
    if (counts.passages == 0) co_return std::vector<ScoredPassage>();
    TITANS_CO_TRY(std::vector<ScoredPassage> found,
                  co_await characters_.search_words(id, std::move(words), kCandidates));
    const double least = least_score(counts);
    std::erase_if(found, [least](const ScoredPassage& passage) { return passage.score < least; });
    co_return found;
}

Task<Result<std::vector<ScoredPassage>>> Recall::find_by_meaning(CharacterId id,
                                                                 std::string question,
                                                                 std::stop_token stop) {
    auto embed = [embedder = embedder_, question = std::move(question), stop] {
        return embedder->embed(std::span(&question, 1), stop);
    };
    TITANS_CO_TRY(std::vector<Embedding> embeddings, co_await run_on(compute_, std::move(embed)));
    if (embeddings.size() != 1)
        co_return fail(ErrorKind::Internal, "the embedding model failed", "no vector came");
    TITANS_CO_TRY(std::vector<ScoredPassage> found,
                  co_await characters_.search_vectors(id, embedder_->model(),
                                                      std::move(embeddings.front()), kCandidates));
    std::erase_if(found,
                  [](const ScoredPassage& passage) { return !(passage.score >= kLeastCosine); });
    co_return found;
}

Task<Result<Recollection>> Recall::recall(CharacterId id, std::string question,
                                          std::stop_token stop) {
    Recollection recollection{.lexical_only = embedder_ == nullptr};
    std::vector<RecalledPassage>& passages = recollection.passages;
    question.resize(text::truncate(question, kLongestQuestion).size());

    TITANS_CO_TRY(const std::vector<ScoredPassage> by_words, co_await find_by_words(id, question));
    for (std::size_t rank = 0; rank < by_words.size(); ++rank)
        add_rank(passages, by_words[rank], rank, true);
    if (embedder_ != nullptr) {
        const Result<std::vector<ScoredPassage>> by_meaning =
            co_await find_by_meaning(id, std::move(question), stop);
        if (stop.stop_requested())
            co_return fail(ErrorKind::Cancelled, "the question was cancelled");
        if (by_meaning) {
            for (std::size_t rank = 0; rank < by_meaning->size(); ++rank) {
                add_rank(passages, (*by_meaning)[rank], rank, false);
            }
        } else {
            // Words are better than no answer.
            log::warn("recall.lexical_only", "kind={} message=\"{}\" detail=\"{}\"",
                      to_string(by_meaning.error().kind), by_meaning.error().message,
                      by_meaning.error().detail);
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
