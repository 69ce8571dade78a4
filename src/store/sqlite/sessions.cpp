#include "store/sqlite/sessions.h"

#include <algorithm>
#include <cstdint>

#include "store/sqlite/characters.h"

namespace titans::store::sqlite {

namespace {

std::int64_t milliseconds_since_1970() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::floor<std::chrono::milliseconds>(now).count();
}

}  // namespace

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
    return erase.bind(milliseconds_since_1970() - std::chrono::milliseconds(age).count()).run();
}

}  // namespace titans::store::sqlite
