#pragma once

#include "foundation/error.h"
#include "store/sqlite/database.h"

namespace titans::store::sqlite {

/// Brings the schema of `database` up to date, in one transaction for each version.
/// Errors: Internal, if it fails or was made by a newer Titans.
Result<void> migrate(Database& database);

}  // namespace titans::store::sqlite
