#pragma once

#include "foundation/error.h"
#include "store/sqlite/database.h"

namespace titans::store::sqlite {

/// Gives FTS5 on this connection the function word_score(TABLE, WEIGHTS, LIMIT): the BM25 score of
/// a row for the query's words, with the weights of one character's passages, where FTS5's own
/// bm25() would weigh by those of all. WEIGHTS is a blob of doubles: the average length of a
/// passage in words, then the weight of each word in the order of the query. Exact for the best
/// LIMIT rows (of equal ones the first); another's may be too large, but LIMIT rows before it have
/// at least that.
Result<void> register_word_score(Database& database);

}  // namespace titans::store::sqlite
