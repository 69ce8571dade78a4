#pragma once

#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/postgres/connection.h"

namespace titans::store::postgres {

// As CharacterStore has them, within a transaction.

Result<std::vector<ScoredPassage>> search_vectors(Connection& connection, CharacterId id,
                                                  const std::string& model,
                                                  const std::vector<float>& query, int limit);
Result<std::vector<Passage>> select_without_vector(Connection& connection, CharacterId id,
                                                   const std::string& model, int limit);
Result<void> insert_vectors(Connection& connection, const std::string& model,
                            const std::vector<PassageVector>& vectors);

}  // namespace titans::store::postgres
