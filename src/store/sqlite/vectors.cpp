#include "store/sqlite/vectors.h"

#include <bit>
#include <cstdint>
#include <format>
#include <set>
#include <span>

#include "store/sqlite/migrations.h"

namespace titans::store::sqlite {

namespace {

static_assert(std::endian::native == std::endian::little, "vectors are stored little-endian");

/// Removes the vectors that do not belong to a passage of `characters`, whichever way they came to
/// be here.
Result<void> sweep(Database& vectors, const std::filesystem::path& characters_path) {
    TITANS_TRY_VOID(vectors.attach(characters_path, "characters"));
    {
        TITANS_TRY(Transaction transaction, Transaction::begin(vectors));
        TITANS_TRY_VOID(vectors.execute(
            "DELETE FROM passage_vector WHERE NOT EXISTS ("
            "    SELECT 1 FROM owner JOIN characters.identity ON identity.id = owner.id)"
            " OR passage_id NOT IN (SELECT id FROM characters.passage);"
            "DELETE FROM owner;"
            "INSERT INTO owner (id) SELECT id FROM characters.identity;"
            "DELETE FROM version WHERE character_id NOT IN (SELECT id FROM "
            "characters.character);"));
        TITANS_TRY_VOID(transaction.commit());
    }
    return vectors.execute("DETACH characters");
}

}  // namespace

Result<Database> open_vectors(const std::filesystem::path& path,
                              const std::filesystem::path& characters_path,
                              std::chrono::milliseconds patience) {
    TITANS_TRY(Database vectors, Database::open(path, Database::Access::ReadWrite, patience));
    TITANS_TRY_VOID(migrate_vectors(vectors));
    // What is lost with the power is embedded again.
    TITANS_TRY_VOID(vectors.execute("PRAGMA synchronous = NORMAL"));
    TITANS_TRY_VOID(sweep(vectors, characters_path));
    return vectors;
}

Result<void> insert_vectors(Database& characters, Database& vectors, const std::string& model,
                            const std::vector<PassageVector>& added) {
    TITANS_TRY(Transaction transaction, Transaction::begin(vectors));
    TITANS_TRY(Statement insert_model,
               vectors.prepare("INSERT OR IGNORE INTO model (name) VALUES (?)"));
    TITANS_TRY_VOID(insert_model.bind(model).run());
    TITANS_TRY(Statement find_model, vectors.prepare("SELECT id FROM model WHERE name = ?"));
    TITANS_TRY([[maybe_unused]] const bool there, find_model.bind(model).step());
    const std::int64_t model_id = find_model.integer(0);

    TITANS_TRY(Statement owner,
               characters.prepare("SELECT character_id FROM passage WHERE id = ?"));
    TITANS_TRY(Statement insert,
               vectors.prepare("INSERT OR REPLACE INTO passage_vector (passage_id, model_id, "
                               "vector) VALUES (?, ?, ?)"));
    std::set<std::int64_t> changed;
    for (const PassageVector& vector : added) {
        TITANS_TRY(const bool found, owner.bind(vector.passage_id).step());
        if (!found) continue;
        changed.insert(owner.integer(0));
        TITANS_TRY_VOID(
            insert.bind(vector.passage_id, model_id, std::as_bytes(std::span(vector.vector)))
                .run());
    }
    TITANS_TRY(Statement raise,
               vectors.prepare("INSERT INTO version (character_id, model_id, version) "
                               "VALUES (?, ?, 1) ON CONFLICT DO UPDATE SET version = version + 1"));
    for (const std::int64_t id : changed) TITANS_TRY_VOID(raise.bind(id, model_id).run());
    return transaction.commit();
}

Result<void> erase_vectors(Database& vectors, const std::vector<PassageRange>& ranges) {
    TITANS_TRY(Transaction transaction, Transaction::begin(vectors));
    TITANS_TRY(Statement erase,
               vectors.prepare("DELETE FROM passage_vector WHERE passage_id BETWEEN ? AND ?"));
    for (const PassageRange& range : ranges)
        TITANS_TRY_VOID(erase.bind(range.first, range.last).run());
    return transaction.commit();
}

Result<std::vector<Passage>> select_without_vector(Database& reader, CharacterId id,
                                                   const std::string& model, int limit) {
    // Two statements: with one, the planner could not use the index of characters for the one that
    // is asked for.
    TITANS_TRY(Statement statement,
               reader.prepare(std::format(
                   "SELECT id, text FROM passage WHERE {} AND NOT EXISTS ("
                   "    SELECT 1 FROM vectors.passage_vector WHERE passage_id = passage.id"
                   "    AND model_id = (SELECT id FROM vectors.model WHERE name = ?2)) "
                   "ORDER BY id LIMIT ?3",
                   id.value != 0 ? "character_id = ?1" : "?1 = 0")));
    statement.bind(id.value, model, limit);
    std::vector<Passage> passages;
    while (true) {
        TITANS_TRY(const bool more, statement.step());
        if (!more) return passages;
        passages.push_back({statement.integer(0), std::string(statement.text(1))});
    }
}

}  // namespace titans::store::sqlite
