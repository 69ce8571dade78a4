#pragma once

#include "foundation/error.h"
#include "store/sqlite/database.h"

namespace titans::store::sqlite {

// Each brings the schema of its database up to date, in one transaction for each version.
// Errors: Internal, if it fails or was made by a newer Titans; Busy.

Result<void> migrate_characters(Database& database);
Result<void> migrate_vectors(Database& database);

}  // namespace titans::store::sqlite
