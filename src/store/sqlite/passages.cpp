#include "store/sqlite/passages.h"

#include <algorithm>
#include <string>

namespace titans::store::sqlite {

namespace {

/// As the index takes them; adds their number to `count`.
std::string join_words(const std::vector<std::string>& words, std::int64_t& count) {
    std::string joined;
    for (const std::string& word : words) {
        if (!is_word(word)) continue;
        if (!joined.empty()) joined += ' ';
        joined += word;
        ++count;
    }
    return joined;
}

Result<void> insert_range(Database& database, CharacterId id, const PassageRange& range) {
    TITANS_TRY(Statement extend, database.prepare("UPDATE passage_range SET last = ? "
                                                  "WHERE character_id = ? AND last = ?"));
    TITANS_TRY_VOID(extend.bind(range.last, id.value, range.first - 1).run());
    if (database.changes() > 0) return {};
    TITANS_TRY(
        Statement insert,
        database.prepare("INSERT INTO passage_range (first, last, character_id) VALUES (?, ?, ?)"));
    return insert.bind(range.first, range.last, id.value).run();
}

}  // namespace

bool is_word(std::string_view word) {
    return !word.empty() &&
           std::ranges::none_of(word, [](char c) { return (c >= 0 && c <= ' ') || c == 0x7f; });
}

Result<std::vector<PassageRange>> ranges_of(Database& database, CharacterId id) {
    TITANS_TRY(Statement range,
               database.prepare(
                   "SELECT first, last FROM passage_range WHERE character_id = ? ORDER BY first"));
    range.bind(id.value);
    std::vector<PassageRange> ranges;
    while (true) {
        TITANS_TRY(const bool more, range.step());
        if (!more) return ranges;
        ranges.push_back({range.integer(0), range.integer(1)});
    }
}

Result<void> insert_passages(Database& database, CharacterId id,
                             const std::vector<NewPassage>& passages) {
    if (passages.empty()) return {};
    TITANS_TRY(Statement insert_text,
               database.prepare("INSERT INTO passage (character_id, text) VALUES (?, ?)"));
    TITANS_TRY(Statement insert_words,
               database.prepare("INSERT INTO passage_words (rowid, words) VALUES (?, ?)"));
    std::int64_t words = 0;
    std::int64_t last = 0;
    for (const NewPassage& passage : passages) {
        TITANS_TRY_VOID(insert_text.bind(id.value, passage.text).run());
        last = database.last_insert_id();
        TITANS_TRY_VOID(insert_words.bind(last, join_words(passage.words, words)).run());
    }
    // One transaction's ids follow each other.
    TITANS_TRY_VOID(insert_range(database, id, {last - std::ssize(passages) + 1, last}));
    TITANS_TRY(Statement count,
               database.prepare("UPDATE character SET words = words + ? WHERE id = ?"));
    return count.bind(words, id.value).run();
}

Result<std::vector<PassageRange>> erase_passages(Database& database, CharacterId id) {
    TITANS_TRY(std::vector<PassageRange> ranges, ranges_of(database, id));
    TITANS_TRY(Statement erase_words,
               database.prepare("DELETE FROM passage_words WHERE rowid BETWEEN ? AND ?"));
    for (const PassageRange& range : ranges)
        TITANS_TRY_VOID(erase_words.bind(range.first, range.last).run());
    for (const char* sql : {"DELETE FROM passage WHERE character_id = ?",
                            "DELETE FROM passage_range WHERE character_id = ?",
                            "UPDATE character SET words = 0 WHERE id = ?"}) {
        TITANS_TRY(Statement statement, database.prepare(sql));
        TITANS_TRY_VOID(statement.bind(id.value).run());
    }
    return ranges;
}

Result<void> read_texts(Database& database, std::vector<ScoredPassage>& passages) {
    TITANS_TRY(Statement text, database.prepare("SELECT text FROM passage WHERE id = ?"));
    for (ScoredPassage& scored : passages) {
        TITANS_TRY([[maybe_unused]] const bool row, text.bind(scored.passage.id).step());
        scored.passage.text = text.text(0);
    }
    return {};
}

}  // namespace titans::store::sqlite
