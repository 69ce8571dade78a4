#include "store/postgres/sessions.h"

#include <algorithm>
#include <cstdint>

#include "store/postgres/characters.h"

namespace titans::store::postgres {

Result<std::vector<SessionTurn>> select_turns(Connection& connection, CharacterId id,
                                              const std::string& session, int limit) {
    // The index holds a hash: a session's name may be too long for it.
    TITANS_TRY(const Rows rows,
               connection.query("SELECT question, answer FROM session_turn WHERE character_id = $1 "
                                "AND hashtextextended(session, 0) = hashtextextended($2, 0) AND "
                                "session = $2 ORDER BY id DESC LIMIT $3",
                                id.value, session, std::max(limit, 0)));
    std::vector<SessionTurn> turns;
    for (int row = rows.size() - 1; row >= 0; --row)
        turns.push_back({std::string(rows.text(row, 0)), std::string(rows.text(row, 1))});
    return turns;
}

Result<void> insert_turn(Connection& connection, CharacterId id, const std::string& session,
                         const SessionTurn& turn) {
    auto inserted = connection.run(
        "INSERT INTO session_turn (character_id, session, question, answer) VALUES ($1, $2, $3, "
        "$4)",
        id.value, session, turn.question, turn.answer);
    if (!inserted && connection.sql_state() == "23503")
        return std::unexpected(no_such_character(id));
    return inserted;
}

Result<void> erase_turns(Connection& connection, std::chrono::seconds age) {
    return connection.run(
        "DELETE FROM session_turn WHERE created_at <= now() - $1 * interval '1 second'",
        static_cast<std::int64_t>(age.count()));
}

}  // namespace titans::store::postgres
