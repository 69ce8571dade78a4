#include "store/postgres/vectors.h"

#include <cstdint>
#include <format>
#include <iterator>
#include <map>

namespace titans::store::postgres {

namespace {

std::string vector_text(const std::vector<float>& vector) {
    std::string text = "[";
    for (const float value : vector) std::format_to(std::back_inserter(text), "{},", value);
    text.back() = ']';
    return text;
}

}  // namespace

Result<std::vector<ScoredPassage>> search_vectors(Connection& connection, CharacterId id,
                                                  const std::string& model,
                                                  const std::vector<float>& query, int limit) {
    if (query.empty() || limit <= 0) return {};
    // <#> is the negative of the dot product, which for unit vectors is the cosine.
    TITANS_TRY(const Rows rows,
               connection.query("SELECT passage.id, text, -distance FROM ("
                                "    SELECT passage_id, vector <#> $3::text::vector AS distance"
                                "    FROM passage_vector WHERE character_id = $1"
                                "    AND model_id = (SELECT id FROM model WHERE name = $2)"
                                "    AND vector_dims(vector) = $4"
                                "    ORDER BY distance, passage_id LIMIT $5"
                                ") AS nearest JOIN passage ON passage.id = passage_id "
                                "ORDER BY distance, passage.id",
                                id.value, model, vector_text(query),
                                static_cast<std::int64_t>(query.size()), limit));
    std::vector<ScoredPassage> passages;
    for (int row = 0; row < rows.size(); ++row) {
        passages.push_back(
            {{rows.integer(row, 0), std::string(rows.text(row, 1))}, rows.real(row, 2)});
    }
    return passages;
}

Result<std::vector<Passage>> select_without_vector(Connection& connection, CharacterId id,
                                                   const std::string& model, int limit) {
    TITANS_TRY(
        const Rows rows,
        connection.query(
            std::format("SELECT id, text FROM passage WHERE {} AND NOT EXISTS (SELECT 1 FROM "
                        "passage_vector AS present WHERE present.character_id = "
                        "passage.character_id AND passage_id = passage.id AND model_id = (SELECT "
                        "id FROM model WHERE name = $2)) ORDER BY id LIMIT $3",
                        id.value != 0 ? "character_id = $1" : "$1 = 0")
                .c_str(),
            id.value, model, limit));
    std::vector<Passage> passages;
    for (int row = 0; row < rows.size(); ++row)
        passages.push_back({rows.integer(row, 0), std::string(rows.text(row, 1))});
    return passages;
}

Result<void> insert_vectors(Connection& connection, const std::string& model,
                            const std::vector<PassageVector>& vectors) {
    // Of two vectors of one passage the later stays; in order, against deadlocks.
    std::map<std::int64_t, const std::vector<float>*> sorted;
    for (const PassageVector& vector : vectors) {
        if (!vector.vector.empty()) sorted[vector.passage_id] = &vector.vector;
    }
    std::vector<std::int64_t> ids;
    std::vector<std::string> texts;
    for (const auto& [passage_id, vector] : sorted) {
        ids.push_back(passage_id);
        texts.push_back(vector_text(*vector));
    }
    TITANS_TRY_VOID(connection.run(
        "INSERT INTO model (name) VALUES ($1) ON CONFLICT (name) DO NOTHING", model));
    // FOR KEY SHARE: a passage that is found cannot go before its vector is in.
    return connection.run(
        "INSERT INTO passage_vector (character_id, passage_id, model_id, vector) SELECT "
        "character_id, passage.id, (SELECT id FROM model WHERE name = $1), new.vector::vector FROM "
        "unnest($2, $3) AS new (id, vector) JOIN passage ON passage.id = new.id ORDER BY 2 FOR KEY "
        "SHARE OF passage ON CONFLICT (character_id, passage_id, model_id) DO UPDATE SET vector = "
        "excluded.vector",
        model, ids, texts);
}

}  // namespace titans::store::postgres
