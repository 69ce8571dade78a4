#pragma once

#include <vector>

#include "knowledge/documents.h"
#include "store/character_store.h"

namespace titans::knowledge {

/// Cuts a document into passages of about 150 words, each with the words that lexical search
/// compares.
///
/// They end where sentences do. A block is not cut if its neighbour can be instead; where one is,
/// the next passage repeats about 30 words. None exceeds 1,200 characters, which is what an
/// embedding model of 256 tokens reads of most scripts.
std::vector<store::NewPassage> cut_passages(const Document& document);

}  // namespace titans::knowledge
