#include "store/sqlite/word_score.h"

#include <sqlite3.h>

#include <algorithm>
#include <cstring>
#include <format>
#include <functional>
#include <new>
#include <vector>

#include "store/bm25.h"

namespace titans::store::sqlite {

namespace {

/// Weights as they come: the average length, then one for each word.
class Weights {
public:
    explicit Weights(const void* bytes) : bytes_(static_cast<const std::byte*>(bytes)) {}
    double average_length() const { return at(0); }
    double of(std::size_t word) const { return at(word + 1); }

private:
    double at(std::size_t index) const {
        double value = 0;
        std::memcpy(&value, bytes_ + index * sizeof value, sizeof value);
        return value;
    }

    const std::byte* bytes_;
};

/// What a query keeps from row to row.
struct Progress {
    std::vector<int> times;    // that each word stands in the row
    std::vector<double> best;  // scores, a heap with the least at its top
};

/// The progress of this query; its first row makes it.
int progress_of(const Fts5ExtensionApi* api, Fts5Context* row, Progress*& progress) {
    progress = static_cast<Progress*>(api->xGetAuxdata(row, 0));
    if (progress != nullptr) return SQLITE_OK;
    progress = new Progress;
    return api->xSetAuxdata(row, progress, [](void* old) { delete static_cast<Progress*>(old); });
}

int count_times(const Fts5ExtensionApi* api, Fts5Context* row, std::vector<int>& times) {
    times.assign(static_cast<std::size_t>(api->xPhraseCount(row)), 0);
    for (std::size_t word = 0; word < times.size(); ++word) {
        int column = 0;
        int offset = 0;
        Fts5PhraseIter place{};
        const int code = api->xPhraseFirst(row, static_cast<int>(word), &place, &column, &offset);
        if (code != SQLITE_OK) return code;
        for (; column >= 0; api->xPhraseNext(row, &place, &column, &offset)) ++times[word];
    }
    return SQLITE_OK;
}

double score_of(const std::vector<int>& times, int length, const Weights& weights) {
    double score = 0;
    for (std::size_t word = 0; word < times.size(); ++word) {
        if (times[word] > 0)
            score += bm25_score(weights.of(word), times[word], length, weights.average_length());
    }
    return score;
}

int score_row(const Fts5ExtensionApi* api, Fts5Context* row, const Weights& weights,
              std::size_t limit, double& score) {
    Progress* progress = nullptr;
    if (const int code = progress_of(api, row, progress); code != SQLITE_OK) return code;
    if (const int code = count_times(api, row, progress->times); code != SQLITE_OK) return code;
    std::vector<double>& best = progress->best;
    // Finding out how long a passage is takes longer than all the rest: most do not have to be
    // asked, for even the shortest would score too little.
    score = score_of(progress->times, 0, weights);
    if (best.size() == limit && score <= best.front()) return SQLITE_OK;
    int length = 0;
    if (const int code = api->xColumnSize(row, 0, &length); code != SQLITE_OK) return code;
    score = score_of(progress->times, length, weights);
    if (best.size() == limit) {
        if (score <= best.front()) return SQLITE_OK;
        std::ranges::pop_heap(best, std::greater<>());
        best.back() = score;
    } else {
        best.push_back(score);
    }
    std::ranges::push_heap(best, std::greater<>());
    return SQLITE_OK;
}

void word_score(const Fts5ExtensionApi* api, Fts5Context* row, sqlite3_context* result,
                int argument_count, sqlite3_value** arguments) noexcept {
    const auto size = static_cast<std::size_t>(api->xPhraseCount(row) + 1) * sizeof(double);
    if (argument_count != 2 ||
        static_cast<std::size_t>(sqlite3_value_bytes(arguments[0])) != size ||
        sqlite3_value_int(arguments[1]) <= 0) {
        sqlite3_result_error(result, "word_score: one weight for each word, and a limit", -1);
        return;
    }
    double score = 0;
    int code = SQLITE_NOMEM;
    try {
        code = score_row(api, row, Weights(sqlite3_value_blob(arguments[0])),
                         static_cast<std::size_t>(sqlite3_value_int(arguments[1])), score);
    } catch (const std::bad_alloc&) {  // must not pass through C
    }
    if (code != SQLITE_OK) {
        sqlite3_result_error_code(result, code);
        return;
    }
    sqlite3_result_double(result, score);
}

}  // namespace

Result<void> register_word_score(Database& database) {
    // How FTS5 hands out its interface: https://www.sqlite.org/fts5.html, section 7.
    fts5_api* api = nullptr;
    sqlite3_stmt* statement = nullptr;
    int code = sqlite3_prepare_v2(database.handle(), "SELECT fts5(?1)", -1, &statement, nullptr);
    if (code == SQLITE_OK) {
        sqlite3_bind_pointer(statement, 1, static_cast<void*>(&api), "fts5_api_ptr", nullptr);
        sqlite3_step(statement);
        code = sqlite3_finalize(statement);
    }
    if (code == SQLITE_OK && api != nullptr)
        code = api->xCreateFunction(api, "word_score", nullptr, word_score, nullptr);
    if (code != SQLITE_OK || api == nullptr) {
        return fail(ErrorKind::Internal, "the database cannot be opened",
                    std::format("FTS5 is missing: sqlite {}", code));
    }
    return {};
}

}  // namespace titans::store::sqlite
