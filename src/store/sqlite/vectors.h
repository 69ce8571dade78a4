#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"
#include "store/sqlite/passages.h"

namespace titans::store::sqlite {

// The vectors of passages, in a file of their own. They can be computed again, so nothing depends
// on the two files being of one moment: a passage without a vector gets one, and a vector without a
// passage is never looked at, for searches ask for the passages that there are.

/// Opens or makes the file at `path`, empties it if it belongs to other characters than those of
/// the database at `characters_path`, and removes the vectors of passages that are gone.
/// Errors: Busy; Internal.
Result<Database> open_vectors(const std::filesystem::path& path,
                              const std::filesystem::path& characters_path,
                              std::chrono::milliseconds patience);

/// Stores vectors; those whose passage is gone are dropped.
Result<void> insert_vectors(Database& characters, Database& vectors, const std::string& model,
                            const std::vector<PassageVector>& added);

Result<void> erase_vectors(Database& vectors, const std::vector<PassageRange>& ranges);

/// As CharacterStore::without_vector(). `reader` has the vectors attached as
/// "vectors".
Result<std::vector<Passage>> select_without_vector(Database& reader, CharacterId id,
                                                   const std::string& model, int limit);

}  // namespace titans::store::sqlite
