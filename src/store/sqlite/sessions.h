#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"

namespace titans::store::sqlite {

// As CharacterStore has them.

Result<std::vector<SessionTurn>> select_turns(Database& database, CharacterId id,
                                              const std::string& session, int limit);
Result<void> insert_turn(Database& database, CharacterId id, const std::string& session,
                         const SessionTurn& turn);
Result<void> erase_turns(Database& database, std::chrono::seconds age);

}  // namespace titans::store::sqlite
