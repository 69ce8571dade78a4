#include "store/sqlite/vector_search.h"

#include <algorithm>
#include <cstring>
#include <functional>
#include <span>
#include <utility>

#include "store/sqlite/dot_product.h"

namespace titans::store::sqlite {

namespace {

/// The best of what it is shown.
class Nearest {
public:
    Nearest(const std::vector<float>& query, int limit)
        : query_(query), limit_(static_cast<std::size_t>(limit)) {}

    void show(std::int64_t passage_id, const float* vector) {
        const Near near{dot_product(vector, query_.data(), query_.size()), passage_id};
        if (heap_.size() == limit_) {
            if (!(near > heap_.front())) return;
            std::ranges::pop_heap(heap_, std::greater<>());
            heap_.back() = near;
        } else if (near.cosine == near.cosine) {  // a number
            heap_.push_back(near);
        } else {
            return;
        }
        std::ranges::push_heap(heap_, std::greater<>());
    }

    std::vector<ScoredPassage> take() {
        std::ranges::sort_heap(heap_, std::greater<>());
        std::vector<ScoredPassage> passages;
        for (const Near& near : heap_) passages.push_back({{.id = near.passage_id}, near.cosine});
        return passages;
    }

private:
    struct Near {
        float cosine;
        std::int64_t passage_id;
        bool operator>(const Near& other) const {
            return cosine != other.cosine ? cosine > other.cosine : passage_id < other.passage_id;
        }
        bool operator<(const Near& other) const { return other > *this; }
    };

    const std::vector<float>& query_;
    const std::size_t limit_;
    std::vector<Near> heap_;  // the least near is at the top
};

}  // namespace

Result<std::vector<ScoredPassage>> VectorSearch::search(Database& reader, CharacterId id,
                                                        const std::string& model,
                                                        const std::vector<float>& query,
                                                        int limit) {
    Key key{.character_id = id.value, .dimensions = query.size()};
    TITANS_TRY(key.ranges, ranges_of(reader, id));
    TITANS_TRY(Statement version, reader.prepare("SELECT model_id, version FROM vectors.version "
                                                 "WHERE character_id = ? AND model_id = "
                                                 "(SELECT id FROM vectors.model WHERE name = ?)"));
    TITANS_TRY(const bool any, version.bind(id.value, model).step());
    if (!any || limit <= 0 || query.empty()) return {};
    key.model_id = version.integer(0);
    key.version = version.integer(1);

    Nearest nearest(query, limit);
    if (const std::shared_ptr<const Matrix> matrix = find(key)) {
        for (std::size_t i = 0; i < matrix->passage_ids.size(); ++i)
            nearest.show(matrix->passage_ids[i], matrix->values.data() + i * query.size());
    } else {
        TITANS_TRY_VOID(
            read(reader, std::move(key), [&](std::int64_t passage_id, const float* vector) {
                nearest.show(passage_id, vector);
            }));
    }
    std::vector<ScoredPassage> passages = nearest.take();
    TITANS_TRY_VOID(read_texts(reader, passages));
    return passages;
}

template <typename Show>
Result<void> VectorSearch::read(Database& reader, Key key, Show show) {
    std::int64_t passages = 0;
    for (const PassageRange& range : key.ranges) passages += range.count();
    const std::size_t size = key.dimensions * sizeof(float);
    auto matrix = std::make_shared<Matrix>();
    const bool keeps =
        static_cast<std::size_t>(passages) <= most_bytes_ / (size + sizeof(std::int64_t));
    if (keeps) {
        matrix->passage_ids.reserve(static_cast<std::size_t>(passages));
        matrix->values.reserve(static_cast<std::size_t>(passages) * key.dimensions);
    }
    std::vector<float> vector(key.dimensions);
    TITANS_TRY(Statement row,
               reader.prepare("SELECT passage_id, vector FROM vectors.passage_vector "
                              "WHERE passage_id BETWEEN ? AND ? AND model_id = ?"));
    for (const PassageRange& range : key.ranges) {
        row.bind(range.first, range.last, key.model_id);
        while (true) {
            TITANS_TRY(const bool more, row.step());
            if (!more) break;
            const std::span<const std::byte> blob = row.blob(1);
            if (blob.size() != size) continue;
            std::memcpy(vector.data(), blob.data(), size);
            show(row.integer(0), vector.data());
            if (!keeps) continue;
            matrix->passage_ids.push_back(row.integer(0));
            matrix->values.insert(matrix->values.end(), vector.begin(), vector.end());
        }
    }
    if (keeps) keep(std::move(key), std::move(matrix));
    return {};
}

std::shared_ptr<const VectorSearch::Matrix> VectorSearch::find(const Key& key) {
    const std::lock_guard lock(mutex_);
    const auto kept = std::ranges::find(kept_, key, &Kept::key);
    if (kept == kept_.end()) return nullptr;
    kept_.splice(kept_.begin(), kept_, kept);
    return kept->matrix;
}

void VectorSearch::keep(Key key, std::shared_ptr<const Matrix> matrix) {
    const std::lock_guard lock(mutex_);
    kept_.remove_if([&](const Kept& kept) {
        return kept.key.character_id == key.character_id && kept.key.model_id == key.model_id;
    });
    kept_.push_front({std::move(key), std::move(matrix)});
    std::size_t bytes = 0;
    for (const Kept& kept : kept_) bytes += kept.matrix->bytes();
    for (; bytes > most_bytes_; kept_.pop_back()) bytes -= kept_.back().matrix->bytes();
}

void VectorSearch::forget(CharacterId id) {
    const std::lock_guard lock(mutex_);
    kept_.remove_if([id](const Kept& kept) { return kept.key.character_id == id.value; });
}

}  // namespace titans::store::sqlite
