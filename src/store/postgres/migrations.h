#pragma once

#include "foundation/error.h"
#include "store/postgres/connection.h"

namespace titans::store::postgres {

/// Makes the schema `titans` and the extension `vector`, or brings them up to date, in one
/// transaction for each version. Servers that start together wait for each other.
/// Errors: InvalidInput, naming what a superuser must do, if the user may not; Internal, if it was
/// made by a newer Titans; those of Connection.
Result<void> migrate(Connection& connection);

}  // namespace titans::store::postgres
