#pragma once

#include <memory>

#include "store/store_fixture_for_test.h"

namespace titans::store {

/// A store in a database of its own. Null where PostgreSQL cannot run.
std::unique_ptr<StoreFixture> make_postgres_fixture();

}  // namespace titans::store
