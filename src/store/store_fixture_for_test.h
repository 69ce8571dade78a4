#pragma once

#include <memory>

#include "store/character_store.h"

namespace titans::store {

/// An empty store and what it needs to live. For each database there is one, and a line with its
/// maker in character_store_test.cpp.
class StoreFixture {
public:
    virtual ~StoreFixture() = default;
    virtual CharacterStore& store() = 0;
    /// The same data, opened anew.
    virtual void reopen() = 0;
};

}  // namespace titans::store
