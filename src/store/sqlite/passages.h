#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"

namespace titans::store::sqlite {

/// Ids of passages that a character got at once; all of them are its own.
struct PassageRange {
    std::int64_t first = 0;
    std::int64_t last = -1;
    std::int64_t count() const { return last - first + 1; }
    bool operator==(const PassageRange&) const = default;
};

/// What can be searched for: neither empty nor with white space or control characters.
bool is_word(std::string_view word);

/// All that a character knows, by id. They change whenever its knowledge does, and no earlier state
/// comes again.
Result<std::vector<PassageRange>> ranges_of(Database& database, CharacterId id);

/// Adds to what the character knows; within a transaction.
Result<void> insert_passages(Database& database, CharacterId id,
                             const std::vector<NewPassage>& passages);

/// Removes all that the character knows; within a transaction. Returns what there was.
Result<std::vector<PassageRange>> erase_passages(Database& database, CharacterId id);

/// Fills in the texts of passages that are there.
Result<void> read_texts(Database& database, std::vector<ScoredPassage>& passages);

}  // namespace titans::store::sqlite
