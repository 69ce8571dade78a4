#include "store/sqlite/word_score.h"

#include <sqlite3.h>

#include <cstring>
#include <format>

#include "store/bm25.h"

namespace titans::store::sqlite {

namespace {

double read_double(const std::byte* from) {
    double value = 0;
    std::memcpy(&value, from, sizeof value);
    return value;
}

void word_score(const Fts5ExtensionApi* api, Fts5Context* row, sqlite3_context* result,
                int argument_count, sqlite3_value** arguments) noexcept {
    const int words = api->xPhraseCount(row);
    const auto size = static_cast<std::size_t>(words + 1) * sizeof(double);
    if (argument_count != 1 ||
        static_cast<std::size_t>(sqlite3_value_bytes(arguments[0])) != size) {
        sqlite3_result_error(result, "word_score: one weight for each word is needed", -1);
        return;
    }
    const auto* weights = static_cast<const std::byte*>(sqlite3_value_blob(arguments[0]));
    const double average_length = read_double(weights);
    int length = 0;
    int code = api->xColumnSize(row, 0, &length);
    double score = 0;
    for (int word = 0; word < words && code == SQLITE_OK; ++word) {
        int times = 0;
        int column = 0;
        int offset = 0;
        Fts5PhraseIter place{};
        code = api->xPhraseFirst(row, word, &place, &column, &offset);
        for (; code == SQLITE_OK && column >= 0; api->xPhraseNext(row, &place, &column, &offset))
            ++times;
        if (times == 0) continue;
        const double weight =
            read_double(weights + static_cast<std::size_t>(word + 1) * sizeof(double));
        score += bm25_score(weight, times, length, average_length);
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
