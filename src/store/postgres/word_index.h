#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/postgres/connection.h"

namespace titans::store::postgres {

/// The words of new passages, as the table passage_word has them: for each word the passages that
/// hold it.
class WordPlaces {
public:
    /// `words` must live as long as this. Passages come in the order of their ids.
    void add(std::int64_t passage_id, const std::vector<std::string>& words);
    /// The words of all passages together.
    std::int64_t total() const { return total_; }
    /// Adds them to what the character has, within a transaction.
    Result<void> insert(Connection& connection, CharacterId id) const;

private:
    std::unordered_map<std::string_view, std::string> places_;
    std::int64_t total_ = 0;
};

// As CharacterStore has them, within a transaction.

Result<WordCounts> count_words(Connection& connection, CharacterId id,
                               const std::vector<std::string>& words);
Result<std::vector<ScoredPassage>> search_words(Connection& connection, CharacterId id,
                                                const std::vector<std::string>& words, int limit);

}  // namespace titans::store::postgres
