#pragma once

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "foundation/error.h"
#include "foundation/units.h"
#include "store/character_store.h"
#include "store/sqlite/database.h"
#include "store/sqlite/passages.h"

namespace titans::store::sqlite {

/// Exact search among a character's vectors. Those of the characters that were asked last are kept
/// in memory, for reading them takes longer than comparing them.
///
/// Thread-safe.
class VectorSearch {
public:
    /// Keeps at most `most_bytes` of vectors.
    explicit VectorSearch(std::size_t most_bytes) : most_bytes_(most_bytes) {}

    /// As CharacterStore::search_vectors(). `reader` has the vectors attached as "vectors", and is
    /// in a transaction.
    Result<std::vector<ScoredPassage>> search(Database& reader, CharacterId id,
                                              const std::string& model,
                                              const std::vector<float>& query, int limit);
    /// Gives back the memory of a character's vectors.
    void forget(CharacterId id);

private:
    /// What vectors those of a matrix are, as of when.
    struct Key {
        std::int64_t character_id;
        std::int64_t model_id;
        std::int64_t version;
        std::size_t dimensions;
        std::vector<PassageRange> ranges;
        bool operator==(const Key&) const = default;
    };
    /// [passage_ids.size(), dimensions]
    struct Matrix {
        std::vector<std::int64_t> passage_ids;
        std::vector<float> values;
        std::size_t bytes() const {
            return passage_ids.size() * sizeof(std::int64_t) + values.size() * sizeof(float);
        }
    };
    struct Kept {
        Key key;
        std::shared_ptr<const Matrix> matrix;
    };

    /// Shows each vector of `key`, as show(passage_id, vector), and keeps all if they are not too
    /// many.
    template <typename Show>
    Result<void> read(Database& reader, Key key, Show show);
    std::shared_ptr<const Matrix> find(const Key& key);
    void keep(Key key, std::shared_ptr<const Matrix> matrix);

    const std::size_t most_bytes_;
    std::mutex mutex_;      // guards kept_
    std::list<Kept> kept_;  // the one that was asked last is first
};

}  // namespace titans::store::sqlite
