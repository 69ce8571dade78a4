#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/postgres/connection.h"

namespace titans::store::postgres {

// As CharacterStore has them, within a transaction.

Result<std::vector<SessionTurn>> select_turns(Connection& connection, CharacterId id,
                                              const std::string& session, int limit);
Result<void> insert_turn(Connection& connection, CharacterId id, const std::string& session,
                         const SessionTurn& turn);
Result<void> erase_turns(Connection& connection, std::chrono::seconds age);

}  // namespace titans::store::postgres
