#pragma once

#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"

namespace titans::store::sqlite {

// As CharacterStore has them; on a connection that has word_score().

Result<WordCounts> count_words(Database& database, CharacterId id,
                               const std::vector<std::string>& words);
Result<std::vector<ScoredPassage>> search_words(Database& database, CharacterId id,
                                                std::vector<std::string> words, int limit);

}  // namespace titans::store::sqlite
