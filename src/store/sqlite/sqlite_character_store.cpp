#include "store/sqlite/sqlite_character_store.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <format>
#include <functional>
#include <optional>
#include <type_traits>
#include <utility>

#include "store/bm25.h"
#include "store/sqlite/migrations.h"
#include "store/sqlite/word_score.h"

namespace titans::store {

using sqlite::Database;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

static_assert(std::endian::native == std::endian::little, "vectors are stored little-endian");

constexpr std::string_view kRecordColumns =
    "id, name, slug, llm_model, llm_config, voice_cloning_settings, stt_settings, image_file, "
    "voice_file, created_at";

CharacterRecord read_record(const Statement& row) {
    return {.id = {row.integer(0)},
            .name = std::string(row.text(1)),
            .slug = std::string(row.text(2)),
            .llm_model = std::string(row.text(3)),
            .llm_config = std::string(row.text(4)),
            .voice_cloning_settings = std::string(row.text(5)),
            .stt_settings = std::string(row.text(6)),
            .image_file = std::string(row.text(7)),
            .voice_file = std::string(row.text(8)),
            .created_at = std::string(row.text(9))};
}

Error no_such_character(CharacterId id) {
    return {ErrorKind::NotFound, std::format("there is no character {}", id.value)};
}

bool is_word(std::string_view word) {
    return !word.empty() &&
           std::ranges::none_of(word, [](char c) { return (c >= 0 && c <= ' ') || c == 0x7f; });
}

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

/// `word` as a string of FTS5's query language.
std::string quote(std::string_view word) {
    std::string quoted = "\"";
    for (const char c : word) {
        if (c == '"') quoted += '"';
        quoted += c;
    }
    return quoted + '"';
}

std::span<const std::byte> bytes_of(const auto& values) { return std::as_bytes(std::span(values)); }

/// The best slug that no other character than `id` has.
Result<std::string> free_slug(Database& database, const std::string& base, std::int64_t id) {
    const std::string number = std::to_string(id);
    std::vector<std::string> wanted;
    if (!base.empty()) {
        // A slug of digits alone is kept for ids.
        if (base.find_first_not_of("0123456789") != std::string::npos) wanted.push_back(base);
        wanted.push_back(base + "-" + number);
    }
    TITANS_TRY(Statement taken,
               database.prepare("SELECT 1 FROM character WHERE slug = ? AND id <> ?"));
    for (const std::string& slug : wanted) {
        TITANS_TRY(const bool row, taken.bind(slug, id).step());
        if (!row) return slug;
    }
    return number;
}

Result<void> insert_style(Database& database, CharacterId id,
                          const std::vector<StyleExample>& style) {
    TITANS_TRY(Statement insert, database.prepare("INSERT INTO style_example (character_id, "
                                                  "position, question, response) "
                                                  "VALUES (?, ?, ?, ?)"));
    std::int64_t position = 0;
    for (const StyleExample& example : style)
        TITANS_TRY_VOID(
            insert.bind(id.value, position++, example.question, example.response).run());
    return {};
}

/// Adds passages to those that the character has.
Result<void> insert_passages(Database& database, CharacterId id,
                             const std::vector<NewPassage>& passages) {
    if (passages.empty()) return {};
    TITANS_TRY(Statement insert_text,
               database.prepare("INSERT INTO passage (character_id, text) VALUES (?, ?)"));
    TITANS_TRY(Statement insert_words,
               database.prepare("INSERT INTO passage_words (rowid, words) VALUES (?, ?)"));
    std::int64_t words = 0;
    for (const NewPassage& passage : passages) {
        TITANS_TRY_VOID(insert_text.bind(id.value, passage.text).run());
        TITANS_TRY_VOID(
            insert_words.bind(database.last_insert_id(), join_words(passage.words, words)).run());
    }
    const std::int64_t last = database.last_insert_id();
    const std::int64_t first = last - std::ssize(passages) + 1;
    TITANS_TRY(Statement extend,
               database.prepare("UPDATE passage_range SET last = ? WHERE character_id = ? "
                                "AND last = ?"));
    TITANS_TRY_VOID(extend.bind(last, id.value, first - 1).run());
    if (database.changes() == 0) {
        TITANS_TRY(Statement add, database.prepare("INSERT INTO passage_range (first, last, "
                                                   "character_id) VALUES (?, ?, ?)"));
        TITANS_TRY_VOID(add.bind(first, last, id.value).run());
    }
    TITANS_TRY(Statement count,
               database.prepare("UPDATE character SET words = words + ? WHERE id = ?"));
    return count.bind(words, id.value).run();
}

Result<CharacterId> insert(Database& database, const NewCharacter& character) {
    TITANS_TRY(Transaction transaction, Transaction::begin(database));
    TITANS_TRY(
        Statement insert_character,
        database.prepare("INSERT INTO character (name, llm_model, llm_config, "
                         "voice_cloning_settings, stt_settings, "
                         "image_file, voice_file, created_at, words) "
                         "VALUES (?, ?, ?, ?, ?, ?, ?, strftime('%Y-%m-%dT%H:%M:%S', 'now'), 0)"));
    TITANS_TRY_VOID(insert_character
                        .bind(character.name, character.llm_model, character.llm_config,
                              character.voice_cloning_settings, character.stt_settings,
                              character.image_file, character.voice_file)
                        .run());
    const CharacterId id{database.last_insert_id()};
    TITANS_TRY_VOID(insert_style(database, id, character.style));
    TITANS_TRY_VOID(insert_passages(database, id, character.passages));
    TITANS_TRY(const std::string slug, free_slug(database, character.slug_base, id.value));
    TITANS_TRY(Statement finish, database.prepare("UPDATE character SET slug = ? WHERE id = ?"));
    TITANS_TRY_VOID(finish.bind(slug, id.value).run());
    TITANS_TRY_VOID(transaction.commit());
    return id;
}

/// Without the style examples.
Result<CharacterRecord> select_row(Database& database, CharacterId id) {
    TITANS_TRY(Statement row, database.prepare(std::format("SELECT {} FROM character WHERE id = ?",
                                                           kRecordColumns)));
    TITANS_TRY(const bool found, row.bind(id.value).step());
    if (!found) return std::unexpected(no_such_character(id));
    return read_record(row);
}

Result<CharacterRecord> select(Database& database, CharacterId id) {
    TITANS_TRY(CharacterRecord record, select_row(database, id));
    TITANS_TRY(
        Statement style,
        database.prepare("SELECT question, response FROM style_example WHERE character_id = ? "
                         "ORDER BY position"));
    style.bind(id.value);
    while (true) {
        TITANS_TRY(const bool more, style.step());
        if (!more) return record;
        record.style.push_back({std::string(style.text(0)), std::string(style.text(1))});
    }
}

/// Ids of passages that one character got at once.
struct PassageRange {
    std::int64_t first = 0;
    std::int64_t last = -1;
    std::int64_t count() const { return last - first + 1; }
};

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

/// Those that a foreign key does not reach.
Result<void> erase_words(Database& database, CharacterId id) {
    TITANS_TRY(const std::vector<PassageRange> ranges, ranges_of(database, id));
    TITANS_TRY(Statement erase,
               database.prepare("DELETE FROM passage_words WHERE rowid BETWEEN ? AND ?"));
    for (const PassageRange& range : ranges)
        TITANS_TRY_VOID(erase.bind(range.first, range.last).run());
    return {};
}

Result<void> erase(Database& database, CharacterId id) {
    TITANS_TRY(Transaction transaction, Transaction::begin(database));
    TITANS_TRY_VOID(erase_words(database, id));
    TITANS_TRY(Statement erase_character, database.prepare("DELETE FROM character WHERE id = ?"));
    TITANS_TRY_VOID(erase_character.bind(id.value).run());
    if (database.changes() == 0) return std::unexpected(no_such_character(id));
    return transaction.commit();
}

Result<void> erase_passages(Database& database, CharacterId id) {
    TITANS_TRY_VOID(erase_words(database, id));
    for (const char* sql : {"DELETE FROM passage WHERE character_id = ?",
                            "DELETE FROM passage_range WHERE character_id = ?",
                            "UPDATE character SET words = 0 WHERE id = ?"}) {
        TITANS_TRY(Statement statement, database.prepare(sql));
        TITANS_TRY_VOID(statement.bind(id.value).run());
    }
    return {};
}

Result<CharacterRecord> apply(Database& database, CharacterId id, const CharacterChange& change) {
    TITANS_TRY(Transaction transaction, Transaction::begin(database));
    TITANS_TRY(CharacterRecord before, select_row(database, id));
    std::string slug = before.slug;
    if (change.name) {
        TITANS_TRY(slug, free_slug(database, change.slug_base, id.value));
    }
    TITANS_TRY(Statement statement,
               database.prepare("UPDATE character SET name = ?, slug = ?, llm_model = ?, "
                                "llm_config = ?, voice_cloning_settings = ?, stt_settings = ?, "
                                "image_file = ?, voice_file = ? WHERE id = ?"));
    TITANS_TRY_VOID(statement
                        .bind(change.name.value_or(before.name), slug,
                              change.llm_model.value_or(before.llm_model),
                              change.llm_config.value_or(before.llm_config),
                              change.voice_cloning_settings.value_or(before.voice_cloning_settings),
                              change.stt_settings.value_or(before.stt_settings),
                              change.image_file.value_or(before.image_file),
                              change.voice_file.value_or(before.voice_file), id.value)
                        .run());
    if (change.style) {
        TITANS_TRY(Statement erase_style,
                   database.prepare("DELETE FROM style_example WHERE character_id = ?"));
        TITANS_TRY_VOID(erase_style.bind(id.value).run());
        TITANS_TRY_VOID(insert_style(database, id, *change.style));
    }
    if (change.knowledge == KnowledgeChange::Replace) TITANS_TRY_VOID(erase_passages(database, id));
    if (change.knowledge != KnowledgeChange::Keep)
        TITANS_TRY_VOID(insert_passages(database, id, change.passages));
    TITANS_TRY_VOID(transaction.commit());
    return before;
}

Result<void> read_texts(Database& database, std::vector<ScoredPassage>& passages) {
    TITANS_TRY(Statement text, database.prepare("SELECT text FROM passage WHERE id = ?"));
    for (ScoredPassage& scored : passages) {
        TITANS_TRY([[maybe_unused]] const bool row, text.bind(scored.passage.id).step());
        scored.passage.text = text.text(0);
    }
    return {};
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
        for (const PassageRange& range : ranges) {
            TITANS_TRY([[maybe_unused]] const bool row,
                       containing.bind(quote(words[i]), range.first, range.last).step());
            counts.containing[i] += containing.integer(0);
        }
    }
    return counts;
}

Result<std::vector<ScoredPassage>> search(Database& database, CharacterId id,
                                          std::vector<std::string> words, int limit) {
    std::ranges::sort(words);
    words.erase(std::ranges::unique(words).begin(), words.end());
    TITANS_TRY(const std::vector<PassageRange> ranges, ranges_of(database, id));
    TITANS_TRY(const WordCounts counts, count(database, ranges, words));
    TITANS_TRY(Statement total, database.prepare("SELECT words FROM character WHERE id = ?"));
    TITANS_TRY(const bool found, total.bind(id.value).step());
    if (!found || counts.passages == 0) return {};

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
               database.prepare("SELECT rowid, word_score(passage_words, ?1) AS score "
                                "FROM passage_words WHERE passage_words MATCH ?2 "
                                "AND rowid BETWEEN ?3 AND ?4 ORDER BY score DESC, rowid LIMIT ?5"));
    for (const PassageRange& range : ranges) {
        best.bind(bytes_of(weights), query, range.first, range.last, limit);
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

/// The dot product, in sums that the compiler can keep in vector registers.
float dot(const float* a, const float* b, std::size_t size) {
    constexpr std::size_t kLanes = 16;
    std::array<float, kLanes> sums{};
    std::size_t i = 0;
    for (; i + kLanes <= size; i += kLanes) {
        for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += a[i + lane] * b[i + lane];
    }
    float sum = 0;
    for (; i < size; ++i) sum += a[i] * b[i];
    for (const float lane : sums) sum += lane;
    return sum;
}

Result<std::optional<std::int64_t>> find_model(Database& database, const std::string& model) {
    TITANS_TRY(Statement statement, database.prepare("SELECT id FROM model WHERE name = ?"));
    TITANS_TRY(const bool row, statement.bind(model).step());
    if (!row) return std::nullopt;
    return statement.integer(0);
}

Result<std::vector<ScoredPassage>> search(Database& database, CharacterId id,
                                          const std::string& model, const std::vector<float>& query,
                                          int limit) {
    TITANS_TRY(const std::optional<std::int64_t> model_id, find_model(database, model));
    TITANS_TRY(const std::vector<PassageRange> ranges, ranges_of(database, id));
    if (!model_id || limit <= 0) return {};

    struct Near {
        float cosine;
        std::int64_t passage_id;
        bool operator>(const Near& other) const { return cosine > other.cosine; }
    };
    std::vector<Near> nearest;  // a heap with the least near at its top
    std::vector<float> vector(query.size());
    TITANS_TRY(Statement vectors,
               database.prepare("SELECT passage_id, vector FROM passage_vector "
                                "WHERE passage_id BETWEEN ? AND ? AND model_id = ?"));
    for (const PassageRange& range : ranges) {
        vectors.bind(range.first, range.last, *model_id);
        while (true) {
            TITANS_TRY(const bool more, vectors.step());
            if (!more) break;
            const std::span<const std::byte> blob = vectors.blob(1);
            if (blob.size() != vector.size() * sizeof(float)) continue;
            std::memcpy(vector.data(), blob.data(), blob.size());
            const Near near{dot(vector.data(), query.data(), query.size()), vectors.integer(0)};
            if (nearest.size() == static_cast<std::size_t>(limit)) {
                if (!(near > nearest.front())) continue;
                std::ranges::pop_heap(nearest, std::greater<>());
                nearest.back() = near;
            } else {
                nearest.push_back(near);
            }
            std::ranges::push_heap(nearest, std::greater<>());
        }
    }
    std::ranges::sort_heap(nearest, std::greater<>());

    std::vector<ScoredPassage> passages;
    for (const Near& near : nearest) passages.push_back({{.id = near.passage_id}, near.cosine});
    TITANS_TRY_VOID(read_texts(database, passages));
    return passages;
}

Result<std::vector<Passage>> select_without_vector(Database& database, CharacterId id,
                                                   const std::string& model, int limit) {
    TITANS_TRY(const std::optional<std::int64_t> model_id, find_model(database, model));
    // Two statements: with one, the planner could not use the index of characters for the one that
    // is asked for.
    TITANS_TRY(
        Statement statement,
        database.prepare(std::format(
            "SELECT id, text FROM passage WHERE {} AND NOT EXISTS (SELECT 1 FROM passage_vector "
            "WHERE passage_id = passage.id AND model_id = ?2) ORDER BY id LIMIT ?3",
            id.value != 0 ? "character_id = ?1" : "?1 = 0")));
    statement.bind(id.value, model_id.value_or(0), limit);
    std::vector<Passage> passages;
    while (true) {
        TITANS_TRY(const bool more, statement.step());
        if (!more) return passages;
        passages.push_back({statement.integer(0), std::string(statement.text(1))});
    }
}

Result<void> insert_vectors(Database& database, const std::string& model,
                            const std::vector<PassageVector>& vectors) {
    TITANS_TRY(Transaction transaction, Transaction::begin(database));
    TITANS_TRY(Statement insert_model,
               database.prepare("INSERT OR IGNORE INTO model (name) VALUES (?)"));
    TITANS_TRY_VOID(insert_model.bind(model).run());
    TITANS_TRY(const std::optional<std::int64_t> model_id, find_model(database, model));
    TITANS_TRY(
        Statement insert_vector,
        database.prepare("INSERT OR REPLACE INTO passage_vector (passage_id, model_id, vector) "
                         "SELECT id, ?2, ?3 FROM passage WHERE id = ?1"));
    for (const PassageVector& vector : vectors) {
        TITANS_TRY_VOID(
            insert_vector.bind(vector.passage_id, model_id.value_or(0), bytes_of(vector.vector))
                .run());
    }
    return transaction.commit();
}

std::int64_t milliseconds_since_1970() {
    return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now())
        .time_since_epoch()
        .count();
}

Result<std::vector<SessionTurn>> select_turns(Database& database, CharacterId id,
                                              const std::string& session, int limit) {
    TITANS_TRY(Statement row, database.prepare("SELECT question, answer FROM session_turn "
                                               "WHERE character_id = ? AND session = ? "
                                               "ORDER BY id DESC LIMIT ?"));
    row.bind(id.value, session, std::max(limit, 0));
    std::vector<SessionTurn> turns;
    while (true) {
        TITANS_TRY(const bool more, row.step());
        if (!more) break;
        turns.push_back({std::string(row.text(0)), std::string(row.text(1))});
    }
    std::ranges::reverse(turns);
    return turns;
}

Result<void> insert_turn(Database& database, CharacterId id, const std::string& session,
                         const SessionTurn& turn) {
    TITANS_TRY(Statement insert,
               database.prepare("INSERT INTO session_turn (character_id, session, question, "
                                "answer, created_ms) SELECT id, ?2, ?3, ?4, ?5 FROM character "
                                "WHERE id = ?1"));
    TITANS_TRY_VOID(
        insert.bind(id.value, session, turn.question, turn.answer, milliseconds_since_1970())
            .run());
    if (database.changes() == 0) return std::unexpected(no_such_character(id));
    return {};
}

Result<void> erase_turns(Database& database, std::chrono::seconds age) {
    TITANS_TRY(Statement erase, database.prepare("DELETE FROM session_turn WHERE created_ms <= ?"));
    const std::int64_t newest = milliseconds_since_1970() - std::chrono::milliseconds(age).count();
    return erase.bind(newest).run();
}

Result<Database> open_connection(const std::filesystem::path& path, Database::Access access) {
    TITANS_TRY(Database database, Database::open(path, access));
    TITANS_TRY_VOID(sqlite::register_word_score(database));
    return database;
}

}  // namespace

Result<std::unique_ptr<SqliteCharacterStore>> SqliteCharacterStore::open(
    const std::filesystem::path& path, Executor& executor) {
    TITANS_TRY(Database writer, open_connection(path, Database::Access::ReadWrite));
    TITANS_TRY_VOID(sqlite::migrate(writer));
    return std::unique_ptr<SqliteCharacterStore>(
        new SqliteCharacterStore(path, executor, std::move(writer)));
}

Result<Database> SqliteCharacterStore::take_reader() {
    {
        const std::lock_guard lock(readers_mutex_);
        if (!readers_.empty()) {
            Database reader = std::move(readers_.back());
            readers_.pop_back();
            return reader;
        }
    }
    return open_connection(path_, Database::Access::ReadOnly);
}

void SqliteCharacterStore::give_back(Database reader) {
    const std::lock_guard lock(readers_mutex_);
    readers_.push_back(std::move(reader));
}

template <typename Job>
auto SqliteCharacterStore::write(Job job) {
    return run_on(executor_, [this, job = std::move(job)]() mutable {
        const std::lock_guard lock(writer_mutex_);
        return job(writer_);
    });
}

template <typename Job>
auto SqliteCharacterStore::read(Job job) {
    return run_on(executor_,
                  [this, job = std::move(job)]() mutable -> std::invoke_result_t<Job&, Database&> {
                      TITANS_TRY(Database reader, take_reader());
                      // One transaction, so that all its statements see the same state.
                      TITANS_TRY_VOID(reader.execute("BEGIN"));
                      auto result = job(reader);
                      TITANS_TRY_VOID(reader.execute("ROLLBACK"));
                      give_back(std::move(reader));
                      return result;
                  });
}

Task<Result<CharacterId>> SqliteCharacterStore::create(NewCharacter character) {
    co_return co_await write([character = std::move(character)](Database& database) {
        return insert(database, character);
    });
}

Task<Result<CharacterRecord>> SqliteCharacterStore::find(CharacterId id) {
    co_return co_await read([id](Database& database) { return select(database, id); });
}

Task<Result<std::vector<CharacterRecord>>> SqliteCharacterStore::list() {
    co_return co_await read([](Database& database) -> Result<std::vector<CharacterRecord>> {
        TITANS_TRY(Statement row, database.prepare(std::format(
                                      "SELECT {} FROM character ORDER BY id", kRecordColumns)));
        std::vector<CharacterRecord> records;
        while (true) {
            TITANS_TRY(const bool more, row.step());
            if (!more) return records;
            records.push_back(read_record(row));
        }
    });
}

Task<Result<CharacterRecord>> SqliteCharacterStore::update(CharacterId id, CharacterChange change) {
    co_return co_await write([id, change = std::move(change)](Database& database) {
        return apply(database, id, change);
    });
}

Task<Result<void>> SqliteCharacterStore::remove(CharacterId id) {
    co_return co_await write([id](Database& database) { return erase(database, id); });
}

Task<Result<std::vector<std::string>>> SqliteCharacterStore::file_names() {
    co_return co_await read([](Database& database) -> Result<std::vector<std::string>> {
        TITANS_TRY(
            Statement row,
            database.prepare("SELECT image_file FROM character WHERE image_file <> '' "
                             "UNION SELECT voice_file FROM character WHERE voice_file <> ''"));
        std::vector<std::string> names;
        while (true) {
            TITANS_TRY(const bool more, row.step());
            if (!more) return names;
            names.emplace_back(row.text(0));
        }
    });
}

Task<Result<WordCounts>> SqliteCharacterStore::count_words(CharacterId id,
                                                           std::vector<std::string> words) {
    co_return co_await read(
        [id, words = std::move(words)](Database& database) -> Result<WordCounts> {
            TITANS_TRY(const std::vector<PassageRange> ranges, ranges_of(database, id));
            return count(database, ranges, words);
        });
}

Task<Result<std::vector<ScoredPassage>>> SqliteCharacterStore::search_words(
    CharacterId id, std::vector<std::string> words, int limit) {
    co_return co_await read([id, limit, words = std::move(words)](Database& database) mutable {
        return search(database, id, std::move(words), limit);
    });
}

Task<Result<std::vector<ScoredPassage>>> SqliteCharacterStore::search_vectors(
    CharacterId id, std::string model, std::vector<float> query, int limit) {
    co_return co_await read(
        [id, limit, model = std::move(model), query = std::move(query)](Database& database) {
            return search(database, id, model, query, limit);
        });
}

Task<Result<std::vector<Passage>>> SqliteCharacterStore::without_vector(CharacterId id,
                                                                        std::string model,
                                                                        int limit) {
    co_return co_await read([id, limit, model = std::move(model)](Database& database) {
        return select_without_vector(database, id, model, limit);
    });
}

Task<Result<void>> SqliteCharacterStore::save_vectors(std::string model,
                                                      std::vector<PassageVector> vectors) {
    co_return co_await write(
        [model = std::move(model), vectors = std::move(vectors)](Database& database) {
            return insert_vectors(database, model, vectors);
        });
}

Task<Result<std::vector<SessionTurn>>> SqliteCharacterStore::session_turns(CharacterId id,
                                                                           std::string session,
                                                                           int limit) {
    co_return co_await read([id, limit, session = std::move(session)](Database& database) {
        return select_turns(database, id, session, limit);
    });
}

Task<Result<void>> SqliteCharacterStore::add_session_turn(CharacterId id, std::string session,
                                                          SessionTurn turn) {
    co_return co_await write(
        [id, session = std::move(session), turn = std::move(turn)](Database& database) {
            return insert_turn(database, id, session, turn);
        });
}

Task<Result<void>> SqliteCharacterStore::forget_session_turns(std::chrono::seconds age) {
    co_return co_await write([age](Database& database) { return erase_turns(database, age); });
}

Task<Result<void>> SqliteCharacterStore::check() {
    co_return co_await read([](Database& database) -> Result<void> {
        TITANS_TRY(Statement statement, database.prepare("SELECT 1 FROM character LIMIT 1"));
        TITANS_TRY([[maybe_unused]] const bool row, statement.step());
        return {};
    });
}

}  // namespace titans::store
