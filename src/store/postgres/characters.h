#pragma once

#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/postgres/connection.h"

namespace titans::store::postgres {

Error no_such_character(CharacterId id);

// As CharacterStore has them, within a transaction.

Result<CharacterId> insert_character(Connection& connection, const NewCharacter& character);
Result<CharacterRecord> select_character(Connection& connection, CharacterId id);
Result<std::vector<CharacterRecord>> select_characters(Connection& connection);
Result<std::vector<std::string>> select_file_names(Connection& connection);
Result<CharacterRecord> update_character(Connection& connection, CharacterId id,
                                         const CharacterChange& change);
Result<void> erase_character(Connection& connection, CharacterId id);

}  // namespace titans::store::postgres
