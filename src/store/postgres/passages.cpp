#include "store/postgres/passages.h"

#include <cstdint>
#include <string>

#include "store/postgres/word_index.h"

namespace titans::store::postgres {

namespace {

// What goes into one statement.
constexpr std::size_t kBatchRows = 4'000;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;

}  // namespace

Result<void> insert_passages(Connection& connection, CharacterId id,
                             const std::vector<NewPassage>& passages) {
    if (passages.empty()) return {};
    TITANS_TRY(const Rows ids,
               connection.query("SELECT nextval('passage_id_seq') FROM generate_series(1, $1)",
                                static_cast<std::int64_t>(passages.size())));
    WordPlaces words;
    std::size_t next = 0;
    while (next < passages.size()) {
        std::vector<std::int64_t> batch;
        std::vector<std::string> texts;
        for (std::size_t bytes = 0;
             next < passages.size() && batch.size() < kBatchRows && bytes < kBatchBytes; ++next) {
            const NewPassage& passage = passages[next];
            batch.push_back(ids.integer(static_cast<int>(next), 0));
            texts.push_back(passage.text);
            bytes += passage.text.size();
            words.add(batch.back(), passage.words);
        }
        TITANS_TRY_VOID(connection.run(
            "INSERT INTO passage (character_id, id, text) SELECT $1, * FROM unnest($2, $3)",
            id.value, batch, texts));
    }
    TITANS_TRY_VOID(words.insert(connection, id));
    return connection.run(
        "UPDATE character SET passages = passages + $2, words = words + $3 WHERE id = $1", id.value,
        static_cast<std::int64_t>(passages.size()), words.total());
}

Result<void> erase_passages(Connection& connection, CharacterId id) {
    TITANS_TRY_VOID(connection.run("DELETE FROM passage_word WHERE character_id = $1", id.value));
    TITANS_TRY_VOID(connection.run("DELETE FROM passage WHERE character_id = $1", id.value));
    return connection.run("UPDATE character SET passages = 0, words = 0 WHERE id = $1", id.value);
}

}  // namespace titans::store::postgres
