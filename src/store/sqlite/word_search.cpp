#include "store/sqlite/word_search.h"

#include <algorithm>
#include <functional>
#include <span>

#include "store/bm25.h"
#include "store/sqlite/passages.h"

namespace titans::store::sqlite {

namespace {

/// `word` as a string of FTS5's query language.
std::string quote(std::string_view word) {
    std::string quoted = "\"";
    for (const char c : word) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

Result<WordCounts> count(Database& database, const std::vector<PassageRange>& ranges,
                         const std::vector<std::string>& words) {
    WordCounts counts{.containing = std::vector<std::int64_t>(words.size())};
    for (const PassageRange& range : ranges) counts.passages += range.count();
    TITANS_TRY(Statement containing,
               database.prepare("SELECT count(*) FROM passage_words WHERE passage_words MATCH ? "
                                "AND rowid BETWEEN ? AND ?"));
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (!is_word(words[i])) continue;
        const std::string query = quote(words[i]);
        for (const PassageRange& range : ranges) {
            TITANS_TRY([[maybe_unused]] const bool row,
                       containing.bind(query, range.first, range.last).step());
            counts.containing[i] += containing.integer(0);
        }
    }
    return counts;
}

}  // namespace

Result<WordCounts> count_words(Database& database, CharacterId id,
                               const std::vector<std::string>& words) {
    TITANS_TRY(const std::vector<PassageRange> ranges, ranges_of(database, id));
    return count(database, ranges, words);
}

Result<std::vector<ScoredPassage>> search_words(Database& database, CharacterId id,
                                                std::vector<std::string> words, int limit) {
    std::ranges::sort(words);
    words.erase(std::ranges::unique(words).begin(), words.end());
    TITANS_TRY(const std::vector<PassageRange> ranges, ranges_of(database, id));
    TITANS_TRY(const WordCounts counts, count(database, ranges, words));
    TITANS_TRY(Statement total, database.prepare("SELECT words FROM character WHERE id = ?"));
    TITANS_TRY(const bool found, total.bind(id.value).step());
    if (!found || counts.passages == 0 || limit <= 0) return {};

    std::string query;
    std::vector<double> weights{static_cast<double>(total.integer(0)) /
                                static_cast<double>(counts.passages)};
    for (std::size_t i = 0; i < words.size(); ++i) {
        if (counts.containing[i] == 0) continue;
        if (!query.empty()) query += " OR ";
        query += quote(words[i]);
        weights.push_back(bm25_weight(counts.passages, counts.containing[i]));
    }
    std::vector<ScoredPassage> passages;
    if (query.empty()) return passages;
    TITANS_TRY(Statement best,
               database.prepare("SELECT rowid, word_score(passage_words, ?1, ?5) AS score "
                                "FROM passage_words WHERE passage_words MATCH ?2 "
                                "AND rowid BETWEEN ?3 AND ?4 ORDER BY score DESC, rowid LIMIT ?5"));
    for (const PassageRange& range : ranges) {
        best.bind(std::as_bytes(std::span(weights)), query, range.first, range.last, limit);
        while (true) {
            TITANS_TRY(const bool more, best.step());
            if (!more) break;
            passages.push_back({{.id = best.integer(0)}, best.real(1)});
        }
    }
    std::ranges::stable_sort(passages, std::greater<>(), &ScoredPassage::score);
    if (std::ssize(passages) > limit) passages.resize(static_cast<std::size_t>(limit));
    TITANS_TRY_VOID(read_texts(database, passages));
    return passages;
}

}  // namespace titans::store::sqlite
