#include "store/sqlite/characters.h"

#include <cstdint>
#include <format>
#include <optional>

namespace titans::store::sqlite {

namespace {

constexpr std::string_view kRecordColumns =
    "id, name, slug, llm_model, llm_config, voice_cloning_settings, stt_settings, image_file, "
    "voice_file, sample_file, sample_key, transcript, transcript_of, created_at";

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
            .sample_file = std::string(row.text(9)),
            .sample_key = std::string(row.text(10)),
            .transcript = std::string(row.text(11)),
            .transcript_of = std::string(row.text(12)),
            .created_at = std::string(row.text(13))};
}

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
    TITANS_TRY(Statement insert,
               database.prepare("INSERT INTO style_example (character_id, position, question, "
                                "response) VALUES (?, ?, ?, ?)"));
    std::int64_t position = 0;
    for (const StyleExample& example : style) {
        TITANS_TRY_VOID(
            insert.bind(id.value, position++, example.question, example.response).run());
    }
    return {};
}

/// Without the style examples.
Result<CharacterRecord> select_row(Database& database, CharacterId id) {
    TITANS_TRY(Statement row, database.prepare(std::format("SELECT {} FROM character WHERE id = ?",
                                                           kRecordColumns)));
    TITANS_TRY(const bool found, row.bind(id.value).step());
    if (!found) return std::unexpected(no_such_character(id));
    return read_record(row);
}

}  // namespace

Error no_such_character(CharacterId id) {
    return {ErrorKind::NotFound, std::format("there is no character {}", id.value)};
}

Result<CharacterId> insert_character(Database& database, const NewCharacter& character) {
    TITANS_TRY(Transaction transaction, Transaction::begin(database));
    TITANS_TRY(Statement insert,
               database.prepare("INSERT INTO character (name, llm_model, llm_config, "
                                "voice_cloning_settings, stt_settings, image_file, voice_file, "
                                "sample_file, sample_key, created_at, words) VALUES (?, ?, ?, ?, "
                                "?, ?, ?, ?, ?, "
                                "strftime('%Y-%m-%dT%H:%M:%S', 'now'), 0)"));
    TITANS_TRY_VOID(insert
                        .bind(character.name, character.llm_model, character.llm_config,
                              character.voice_cloning_settings, character.stt_settings,
                              character.image_file, character.voice_file, character.sample_file,
                              character.sample_key)
                        .run());
    const CharacterId id{database.last_insert_id()};
    TITANS_TRY(const std::string slug, free_slug(database, character.slug_base, id.value));
    TITANS_TRY(Statement set_slug, database.prepare("UPDATE character SET slug = ? WHERE id = ?"));
    TITANS_TRY_VOID(set_slug.bind(slug, id.value).run());
    TITANS_TRY_VOID(insert_style(database, id, character.style));
    TITANS_TRY_VOID(insert_passages(database, id, character.passages));
    TITANS_TRY_VOID(transaction.commit());
    return id;
}

Result<CharacterRecord> select_character(Database& database, CharacterId id) {
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

Result<std::vector<CharacterRecord>> select_characters(Database& database) {
    TITANS_TRY(Statement row, database.prepare(std::format("SELECT {} FROM character ORDER BY id",
                                                           kRecordColumns)));
    std::vector<CharacterRecord> records;
    while (true) {
        TITANS_TRY(const bool more, row.step());
        if (!more) return records;
        records.push_back(read_record(row));
    }
}

Result<std::vector<std::string>> select_file_names(Database& database) {
    TITANS_TRY(Statement row,
               database.prepare("SELECT image_file FROM character WHERE image_file <> '' "
                                "UNION SELECT voice_file FROM character WHERE voice_file <> '' "
                                "UNION SELECT sample_file FROM character WHERE sample_file <> "
                                "''"));
    std::vector<std::string> names;
    while (true) {
        TITANS_TRY(const bool more, row.step());
        if (!more) return names;
        names.emplace_back(row.text(0));
    }
}

Result<Updated> update_character(Database& database, CharacterId id,
                                 const CharacterChange& change) {
    TITANS_TRY(Transaction transaction, Transaction::begin(database));
    Updated updated;
    TITANS_TRY(updated.before, select_row(database, id));
    CharacterRecord after = updated.before;
    if (change.name) {
        after.name = *change.name;
        TITANS_TRY(after.slug, free_slug(database, change.slug_base, id.value));
    }
    const auto set = [](std::string& value, const std::optional<std::string>& changed) {
        if (changed) value = *changed;
    };
    set(after.llm_model, change.llm_model);
    set(after.llm_config, change.llm_config);
    set(after.voice_cloning_settings, change.voice_cloning_settings);
    set(after.stt_settings, change.stt_settings);
    set(after.image_file, change.image_file);
    set(after.voice_file, change.voice_file);
    set(after.sample_file, change.sample_file);
    set(after.sample_key, change.sample_key);
    set(after.transcript, change.transcript);
    set(after.transcript_of, change.transcript_of);
    TITANS_TRY(Statement update,
               database.prepare("UPDATE character SET name = ?, slug = ?, llm_model = ?, "
                                "llm_config = ?, voice_cloning_settings = ?, stt_settings = ?, "
                                "image_file = ?, voice_file = ?, sample_file = ?, sample_key = ?, "
                                "transcript = ?, transcript_of = ? WHERE id = ?"));
    TITANS_TRY_VOID(update
                        .bind(after.name, after.slug, after.llm_model, after.llm_config,
                              after.voice_cloning_settings, after.stt_settings, after.image_file,
                              after.voice_file, after.sample_file, after.sample_key,
                              after.transcript, after.transcript_of, id.value)
                        .run());
    if (change.style) {
        TITANS_TRY(Statement erase,
                   database.prepare("DELETE FROM style_example WHERE character_id = ?"));
        TITANS_TRY_VOID(erase.bind(id.value).run());
        TITANS_TRY_VOID(insert_style(database, id, *change.style));
    }
    if (change.knowledge == KnowledgeChange::Replace) {
        TITANS_TRY(updated.gone, erase_passages(database, id));
    }
    if (change.knowledge != KnowledgeChange::Keep)
        TITANS_TRY_VOID(insert_passages(database, id, change.passages));
    TITANS_TRY_VOID(transaction.commit());
    return updated;
}

Result<std::vector<PassageRange>> erase_character(Database& database, CharacterId id) {
    TITANS_TRY(Transaction transaction, Transaction::begin(database));
    TITANS_TRY(std::vector<PassageRange> gone, erase_passages(database, id));
    TITANS_TRY(Statement erase, database.prepare("DELETE FROM character WHERE id = ?"));
    TITANS_TRY_VOID(erase.bind(id.value).run());
    if (database.changes() == 0) return std::unexpected(no_such_character(id));
    TITANS_TRY_VOID(transaction.commit());
    return gone;
}

}  // namespace titans::store::sqlite
