#pragma once

#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"
#include "store/sqlite/passages.h"

namespace titans::store::sqlite {

Error no_such_character(CharacterId id);

// As CharacterStore has them.

Result<CharacterId> insert_character(Database& database, const NewCharacter& character);
Result<CharacterRecord> select_character(Database& database, CharacterId id);
Result<std::vector<CharacterRecord>> select_characters(Database& database);
Result<std::vector<std::string>> select_file_names(Database& database);

struct Updated {
    CharacterRecord before;
    std::vector<PassageRange> gone;  // of passages
};
Result<Updated> update_character(Database& database, CharacterId id, const CharacterChange& change);

/// Returns the passages that are gone with it.
Result<std::vector<PassageRange>> erase_character(Database& database, CharacterId id);

}  // namespace titans::store::sqlite
