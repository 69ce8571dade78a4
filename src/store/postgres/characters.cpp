#include "store/postgres/characters.h"

#include <cstdint>
#include <format>
#include <optional>
#include <string_view>

#include "store/postgres/passages.h"

namespace titans::store::postgres {

namespace {

constexpr std::string_view kRecordColumns =
    "id, name, slug, llm_model, llm_config, voice_cloning_settings, stt_settings, image_file, "
    "voice_file, sample_file, sample_key, transcript, transcript_of, to_char(created_at AT TIME "
    "ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS')";

CharacterRecord read_record(const Rows& rows, int row) {
    const auto text = [&](int column) { return std::string(rows.text(row, column)); };
    return {.id = {rows.integer(row, 0)},
            .name = text(1),
            .slug = text(2),
            .llm_model = text(3),
            .llm_config = text(4),
            .voice_cloning_settings = text(5),
            .stt_settings = text(6),
            .image_file = text(7),
            .voice_file = text(8),
            .sample_file = text(9),
            .sample_key = text(10),
            .transcript = text(11),
            .transcript_of = text(12),
            .created_at = text(13)};
}

/// A slug that another transaction takes meanwhile violates its UNIQUE: the whole transaction is
/// then done again.
Result<void> set_slug(Connection& connection, CharacterId id, const std::string& base) {
    const std::string number = std::to_string(id.value);
    std::vector<std::string> wanted;
    if (!base.empty()) {
        // A slug of digits alone is kept for ids.
        if (base.find_first_not_of("0123456789") != std::string::npos) wanted.push_back(base);
        wanted.push_back(base + "-" + number);
    }
    wanted.push_back(number);
    for (const std::string& slug : wanted) {
        TITANS_TRY(const Rows rows,
                   connection.query("UPDATE character SET slug = $2 WHERE id = $1 AND NOT EXISTS "
                                    "(SELECT 1 FROM character WHERE slug = $2 AND id <> $1)",
                                    id.value, slug));
        if (rows.changed() > 0) return {};
    }
    return fail(ErrorKind::Internal, "the database failed",
                std::format("another character has the slug {}", number));
}

Result<void> insert_style(Connection& connection, CharacterId id,
                          const std::vector<StyleExample>& style) {
    std::vector<std::string> questions;
    std::vector<std::string> responses;
    for (const StyleExample& example : style) {
        questions.push_back(example.question);
        responses.push_back(example.response);
    }
    return connection.run(
        "INSERT INTO style_example (character_id, position, question, response) SELECT $1, "
        "position, question, response FROM unnest($2, $3) WITH ORDINALITY AS example (question, "
        "response, position)",
        id.value, questions, responses);
}

}  // namespace

Error no_such_character(CharacterId id) {
    return {ErrorKind::NotFound, std::format("there is no character {}", id.value)};
}

Result<CharacterId> insert_character(Connection& connection, const NewCharacter& character) {
    TITANS_TRY(const Rows rows,
               connection.query(
                   "INSERT INTO character (name, llm_model, llm_config, "
                   "voice_cloning_settings, stt_settings, image_file, voice_file, "
                   "sample_file, sample_key) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) "
                   "RETURNING id",
                   character.name, character.llm_model, character.llm_config,
                   character.voice_cloning_settings, character.stt_settings, character.image_file,
                   character.voice_file, character.sample_file, character.sample_key));
    const CharacterId id{rows.integer(0, 0)};
    TITANS_TRY_VOID(insert_style(connection, id, character.style));
    TITANS_TRY_VOID(insert_passages(connection, id, character.passages));
    // Last: another that wants the same slug waits until this transaction has ended.
    TITANS_TRY_VOID(set_slug(connection, id, character.slug_base));
    return id;
}

Result<CharacterRecord> select_character(Connection& connection, CharacterId id) {
    TITANS_TRY(const Rows rows, connection.query(std::format("SELECT {} FROM character WHERE id = "
                                                             "$1",
                                                             kRecordColumns)
                                                     .c_str(),
                                                 id.value));
    if (rows.empty()) return std::unexpected(no_such_character(id));
    CharacterRecord record = read_record(rows, 0);
    TITANS_TRY(const Rows style,
               connection.query("SELECT question, response FROM style_example WHERE character_id = "
                                "$1 ORDER BY position",
                                id.value));
    for (int row = 0; row < style.size(); ++row)
        record.style.push_back({std::string(style.text(row, 0)), std::string(style.text(row, 1))});
    return record;
}

Result<std::vector<CharacterRecord>> select_characters(Connection& connection) {
    TITANS_TRY(const Rows rows,
               connection.query(
                   std::format("SELECT {} FROM character ORDER BY id", kRecordColumns).c_str()));
    std::vector<CharacterRecord> records;
    for (int row = 0; row < rows.size(); ++row) records.push_back(read_record(rows, row));
    return records;
}

Result<std::vector<std::string>> select_file_names(Connection& connection) {
    TITANS_TRY(const Rows rows,
               connection.query("SELECT image_file FROM character WHERE image_file <> '' "
                                "UNION SELECT voice_file FROM character WHERE voice_file <> '' "
                                "UNION SELECT sample_file FROM character WHERE sample_file <> "
                                "''"));
    std::vector<std::string> names;
    for (int row = 0; row < rows.size(); ++row) names.emplace_back(rows.text(row, 0));
    return names;
}

Result<CharacterRecord> update_character(Connection& connection, CharacterId id,
                                         const CharacterChange& change) {
    // Two changes of one character happen one after the other.
    TITANS_TRY(const Rows rows,
               connection.query(std::format("SELECT {} FROM character WHERE id = $1 FOR NO KEY "
                                            "UPDATE",
                                            kRecordColumns)
                                    .c_str(),
                                id.value));
    if (rows.empty()) return std::unexpected(no_such_character(id));
    TITANS_TRY_VOID(connection.run(
        "UPDATE character SET name = coalesce($2, name), llm_model = coalesce($3, llm_model), "
        "llm_config = coalesce($4, llm_config), voice_cloning_settings = coalesce($5, "
        "voice_cloning_settings), stt_settings = coalesce($6, stt_settings), image_file = "
        "coalesce($7, image_file), voice_file = coalesce($8, voice_file), sample_file = "
        "coalesce($9, "
        "sample_file), sample_key = coalesce($10, sample_key), transcript = coalesce($11, "
        "transcript), transcript_of = coalesce($12, transcript_of) WHERE id = $1",
        id.value, change.name, change.llm_model, change.llm_config, change.voice_cloning_settings,
        change.stt_settings, change.image_file, change.voice_file, change.sample_file,
        change.sample_key, change.transcript, change.transcript_of));
    if (change.style) {
        TITANS_TRY_VOID(
            connection.run("DELETE FROM style_example WHERE character_id = $1", id.value));
        TITANS_TRY_VOID(insert_style(connection, id, *change.style));
    }
    if (change.knowledge == KnowledgeChange::Replace)
        TITANS_TRY_VOID(erase_passages(connection, id));
    if (change.knowledge != KnowledgeChange::Keep)
        TITANS_TRY_VOID(insert_passages(connection, id, change.passages));
    if (change.name) TITANS_TRY_VOID(set_slug(connection, id, change.slug_base));
    return read_record(rows, 0);
}

Result<void> erase_character(Connection& connection, CharacterId id) {
    TITANS_TRY(const Rows rows, connection.query("DELETE FROM character WHERE id = $1", id.value));
    if (rows.changed() == 0) return std::unexpected(no_such_character(id));
    return {};
}

}  // namespace titans::store::postgres
