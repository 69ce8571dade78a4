#pragma once

#include <memory>

#include "store/character_store.h"

namespace titans::store {

/// An empty store and what it needs to live.
class StoreFixture {
public:
    virtual ~StoreFixture() = default;
    virtual CharacterStore& store() = 0;
    /// The same data, opened anew.
    virtual void reopen() = 0;
};

struct StoreUnderTest {
    const char* name;
    std::unique_ptr<StoreFixture> (*make)();  // null where it cannot run
};

/// Each database's folder defines it; a test program is linked with one of them.
StoreUnderTest store_under_test();

}  // namespace titans::store
