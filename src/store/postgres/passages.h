#pragma once

#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/postgres/connection.h"

namespace titans::store::postgres {

/// Adds to what the character knows; within a transaction.
Result<void> insert_passages(Connection& connection, CharacterId id,
                             const std::vector<NewPassage>& passages);

/// Removes all that the character knows; within a transaction.
Result<void> erase_passages(Connection& connection, CharacterId id);

}  // namespace titans::store::postgres
