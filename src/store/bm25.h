#pragma once

#include <cstdint>

namespace titans::store {

/// BM25 as Robertson and Zaragoza give it (The Probabilistic Relevance Framework, 2009), with the
/// weight of a word that is never negative (Lucene's): what every database of ours ranks with.

/// The weight of a word that stands in `containing` of `passages` passages.
double bm25_weight(std::int64_t passages, std::int64_t containing);

/// What a word of `weight` that stands `times` in a passage of `length` words adds to the passage's
/// score.
double bm25_score(double weight, double times, double length, double average_length);

}  // namespace titans::store
