#include "engine/layers/attention_operation.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/layers/vector_math.h"

namespace titans::engine {
namespace {

using vectors::Bf16;

constexpr std::int64_t kMostQueries = 64;  // of a tile
constexpr std::int64_t kPanel = 64;        // keys
constexpr std::int64_t kPart = 256;        // keys that a product with the values takes at once
constexpr std::int64_t kLanes = 16;
/// Heads that are laid out together: a row of theirs is read in one go, and not page after page
/// for every head.
constexpr std::int64_t kMostTogether = 16;

std::int64_t rounded_up(std::int64_t value, std::int64_t unit) {
    return (value + unit - 1) / unit * unit;
}

/// Where a row of numbers of F32 or BF16 begins.
const std::byte* row_at(const ggml_tensor* matrix, std::int64_t row, std::int64_t column) {
    return static_cast<const std::byte*>(matrix->data) +
           static_cast<std::size_t>(row) * matrix->nb[1] +
           static_cast<std::size_t>(column) * matrix->nb[0];
}

/// One head's queries that see the same keys, or of which each sees one more than the one before.
struct Rows {
    const float* queries;
    std::int64_t query_row;
    std::int64_t count;
    float* to;
    std::int64_t to_row;
    const std::byte* keys;  // F32 or BF16, rows key_row and value_row apart
    const std::byte* values;
    std::int64_t width;
};

/// Softmax of the queries' scores with the keys, times the values; the query i sees seen(i) keys.
/// scores: room for `count` times the most of those. Keys and values are read once for all queries.
template <typename Number>
void attend_rows(const Rows& rows, const ggml_tensor* k, const ggml_tensor* v, float scale,
                 std::int64_t most, const auto& seen, float* scores) {
    constexpr std::int64_t kBlock = 64;  // keys that stay in the nearest cache
    const auto width = static_cast<std::size_t>(rows.width);
    const std::size_t key_row = k->nb[1] / sizeof(Number);
    const std::size_t value_row = v->nb[1] / sizeof(Number);
    const auto* keys = reinterpret_cast<const Number*>(rows.keys);
    const auto* values = reinterpret_cast<const Number*>(rows.values);
    const auto in_blocks = [&](const auto& step) {
        for (std::int64_t first = 0; first < most; first += kBlock) {
            for (std::int64_t i = 0; i < rows.count; ++i) {
                const std::int64_t count = std::min(kBlock, seen(i) - first);
                if (count > 0) step(i, static_cast<std::size_t>(first), std::size_t(count));
            }
        }
    };
    in_blocks([&](std::int64_t i, std::size_t first, std::size_t count) {
        vectors::score_keys(rows.queries + i * rows.query_row, keys + first * key_row, key_row,
                            width, count, scores + i * most + first);
    });
    for (std::int64_t i = 0; i < rows.count; ++i) {
        float* own = scores + i * most;
        const auto count = static_cast<std::size_t>(seen(i));
        const float total = vectors::soften(own, scale, count, count, own);
        vectors::scale(own, total > 0 ? 1 / total : 0, count);
        std::fill_n(rows.to + i * rows.to_row, width, 0.0F);
    }
    in_blocks([&](std::int64_t i, std::size_t first, std::size_t count) {
        vectors::mix_values(scores + i * most + first, values + first * value_row, value_row, width,
                            count, rows.to + i * rows.to_row);
    });
}

/// The head at `column` of one sequence: its `queries` from row `query` on, its keys from row
/// `key`.
void attend_head(ggml_tensor* to, const ggml_tensor* k, const ggml_tensor* v,
                 const AttentionShape& shape, std::int64_t column, std::int64_t query,
                 std::int64_t key, std::int64_t most, const auto& seen, float* scores) {
    const ggml_tensor* q = to->src[0];
    const Rows rows{.queries = numbers_of(q) + query * row_of(q) + column,
                    .query_row = row_of(q),
                    .count = shape.queries,
                    .to = numbers_of(to) + query * row_of(to) + column,
                    .to_row = row_of(to),
                    .keys = row_at(k, key, column),
                    .values = row_at(v, key, column),
                    .width = shape.width};
    if (k->type == GGML_TYPE_BF16) {
        attend_rows<Bf16>(rows, k, v, shape.scale(), most, seen, scores);
    } else {
        attend_rows<float>(rows, k, v, shape.scale(), most, seen, scores);
    }
}

std::int64_t length_of(const ggml_tensor* lengths, std::int64_t sequence, std::int64_t keys) {
    if (lengths == nullptr) return keys;
    return std::clamp<std::int64_t>(static_cast<const std::int32_t*>(lengths->data)[sequence], 0,
                                    keys);
}

/// How many keys the query sees.
std::int64_t seen_by(std::int64_t query, const AttentionShape& shape, std::int64_t length) {
    if (!shape.causal) return length;
    return std::clamp<std::int64_t>(query + 1 + shape.keys - shape.queries, 0, length);
}

}  // namespace

Turns::Turns(std::int64_t positions, std::int64_t width) : width_(width) {
    // Frequencies and angles are rounded as by those who trained the networks.
    std::vector<float> frequencies;
    for (std::int64_t i = 0; i + 1 < width; i += 2) {
        const float exponent = static_cast<float>(i) / static_cast<float>(width);
        frequencies.push_back(1.0F / std::pow(kBase, exponent));
    }
    values_.reserve(static_cast<std::size_t>(positions * width));
    for (std::int64_t position = 0; position < positions; ++position) {
        for (const float frequency : frequencies) {
            const float angle = static_cast<float>(position) * frequency;
            values_.push_back(std::cos(angle));
            values_.push_back(std::sin(angle));
        }
    }
}

float AttentionShape::scale() const { return 1.0F / std::sqrt(static_cast<float>(width)); }

double AttentionShape::operations() const {
    // Of a causal one, half of what is multiplied is not seen.
    return (causal ? 2.0 : 4.0) * static_cast<double>(sequences * heads * queries * keys * width);
}

struct TiledAttention::Memory {
    std::byte* keys;     // [head, panel, width, 64], numbers that make 4 bytes side by side
    std::byte* values;   // F32: [head, keys, padded width]; Bf16: [head, keys / 2, padded width, 2]
    std::byte* queries;  // if they are converted or turned: [head, queries, padded width]
    float* scores;       // [tile, padded keys]
    Bf16* shares;        // Bf16: the same
    float* mixed;        // [tile, padded width]
    std::uint32_t* rows;  // to be transposed: 16 of padded width
};

struct TiledAttention::Heads {
    std::int64_t first;  // of all sequences' heads
    std::int64_t count;
    std::int64_t sequence;
    std::int64_t length;
};

TiledAttention::TiledAttention(Workspace& workspace, const AttentionShape& shape,
                               Precision precision, const ggml_tensor* q)
    : workspace_(workspace),
      shape_(shape),
      precision_(precision),
      tiles_((shape.queries + kMostQueries - 1) / kMostQueries),
      padded_keys_(rounded_up(shape.keys, kPanel)),
      score_row_(padded_keys_ + kLanes),  // not a power of 2: such rows share places in a cache
      padded_width_(rounded_up(shape.width, kLanes)),
      staged_(precision != Precision::F32 || shape.rotated_heads > 0) {
    tile_ = (shape.queries + tiles_ - 1) / tiles_;
    tiles_ = (shape.queries + tile_ - 1) / tile_;
    const std::int64_t query_row = staged_ ? padded_width_ : row_of(q);
    // Numbers of BF16 go in pairs; what is beyond the last is zero.
    const std::int64_t pair = precision == Precision::F32 ? 1 : 2;
    const std::int64_t last_part = rounded_up((shape.keys - 1) % kPart + 1, pair);
    for (const bool last_tile : {false, true}) {
        const std::int64_t rows = last_tile ? shape.queries - (tiles_ - 1) * tile_ : tile_;
        scores_[last_tile] = workspace.kernel({.precision = precision,
                                               .m = rows,
                                               .n = kPanel,
                                               .k = rounded_up(shape.width, pair),
                                               .a_row = query_row,
                                               .b_row = kPanel,
                                               .c_row = score_row_});
        for (const bool last : {false, true}) {
            for (const bool more : {false, true}) {
                mixes_[last_tile][last][more] = workspace.kernel({.precision = precision,
                                                                  .accumulate = more,
                                                                  .m = rows,
                                                                  .n = shape.width,
                                                                  .k = last ? last_part : kPart,
                                                                  .a_row = score_row_,
                                                                  .b_row = padded_width_,
                                                                  .c_row = padded_width_});
            }
        }
    }
    const std::int64_t together = std::min(kMostTogether, shape.heads);
    const auto take = [&](std::int64_t numbers, std::size_t size) {
        const std::size_t taken = memory_.end;
        memory_.end += static_cast<std::size_t>(rounded_up(numbers, 16)) * size;
        return taken;
    };
    const std::size_t size = number_bytes();
    memory_.keys = take(together * padded_keys_ * padded_width_, size);
    memory_.values = take(together * padded_keys_ * padded_width_, size);
    memory_.queries = take(staged_ ? together * shape.queries * padded_width_ : 0, size);
    memory_.scores = take(tile_ * score_row_, sizeof(float));
    memory_.shares = take(halves() ? tile_ * score_row_ : 0, sizeof(Bf16));
    memory_.mixed = take(tile_ * padded_width_, sizeof(float));
    memory_.rows = take(kLanes * padded_width_, sizeof(std::uint32_t));
    workspace.reserve(memory_.end);
}

TiledAttention::Memory TiledAttention::memory(int thread) const {
    std::byte* base = workspace_.memory(thread);
    return {.keys = base + memory_.keys,
            .values = base + memory_.values,
            .queries = base + memory_.queries,
            .scores = reinterpret_cast<float*>(base + memory_.scores),
            .shares = reinterpret_cast<Bf16*>(base + memory_.shares),
            .mixed = reinterpret_cast<float*>(base + memory_.mixed),
            .rows = reinterpret_cast<std::uint32_t*>(base + memory_.rows)};
}

std::size_t TiledAttention::number_bytes() const { return halves() ? sizeof(Bf16) : sizeof(float); }

std::int64_t TiledAttention::key_words() const {
    return halves() ? (shape_.width + 1) / 2 : shape_.width;
}

std::byte* TiledAttention::keys_of(const Memory& memory, std::int64_t head) const {
    return memory.keys +
           static_cast<std::size_t>(head * padded_keys_ * padded_width_) * number_bytes();
}

std::byte* TiledAttention::values_of(const Memory& memory, std::int64_t head) const {
    return memory.values +
           static_cast<std::size_t>(head * padded_keys_ * padded_width_) * number_bytes();
}

std::byte* TiledAttention::queries_of(const Memory& memory, std::int64_t head) const {
    return memory.queries +
           static_cast<std::size_t>(head * shape_.queries * padded_width_) * number_bytes();
}

void TiledAttention::copy(const ggml_tensor* from, std::int64_t row, std::int64_t column,
                          void* to) const {
    const auto width = static_cast<std::size_t>(shape_.width);
    const std::byte* numbers = row_at(from, row, column);
    if (!halves()) {
        std::memcpy(to, numbers, width * sizeof(float));
    } else if (from->type == GGML_TYPE_BF16) {
        std::memcpy(to, numbers, width * sizeof(Bf16));
    } else {
        vectors::to_bf16(reinterpret_cast<const float*>(numbers), static_cast<Bf16*>(to), width);
    }
}

void TiledAttention::copy_turned(const ggml_tensor* from, std::int64_t row, std::int64_t head,
                                 std::int64_t position, void* to) const {
    const std::int64_t column = head * shape_.width;
    if (head >= shape_.rotated_heads) return copy(from, row, column, to);
    const auto width = static_cast<std::size_t>(shape_.width);
    const float* numbers = numbers_of(from) + row * row_of(from) + column;
    const float* turns = shape_.turns->at(position);
    if (halves()) {
        vectors::rotate(numbers, turns, static_cast<Bf16*>(to), width);
    } else {
        vectors::rotate(numbers, turns, static_cast<float*>(to), width);
    }
}

void TiledAttention::pack_keys(const ggml_tensor* k, const Heads& heads,
                               const Memory& memory) const {
    const std::int64_t first_row = heads.sequence * shape_.keys;
    const std::int64_t first_head = heads.first % shape_.heads;
    const std::int64_t words = key_words();
    std::fill_n(memory.rows, kLanes * padded_width_, 0U);
    for (std::int64_t key = 0; key < rounded_up(heads.length, kPanel); key += kLanes) {
        for (std::int64_t head = 0; head < heads.count; ++head) {
            for (std::int64_t lane = 0; lane < kLanes; ++lane) {
                std::uint32_t* row = memory.rows + lane * words;
                if (key + lane < shape_.keys) {
                    copy_turned(k, first_row + key + lane, first_head + head, key + lane, row);
                } else {
                    std::fill_n(row, words, 0U);
                }
            }
            auto* panel = reinterpret_cast<std::uint32_t*>(keys_of(memory, head)) +
                          key / kPanel * words * kPanel;
            vectors::transpose_16(memory.rows, static_cast<std::size_t>(words),
                                  panel + key % kPanel, static_cast<std::size_t>(kPanel),
                                  static_cast<std::size_t>(words));
        }
    }
}

void TiledAttention::pack_values(const ggml_tensor* v, const Heads& heads,
                                 const Memory& memory) const {
    const auto width = static_cast<std::size_t>(shape_.width);
    const std::int64_t first_row = heads.sequence * shape_.keys;
    const std::int64_t first_column = heads.first % shape_.heads * shape_.width;
    const std::int64_t end = std::min(shape_.keys, rounded_up(heads.length, kPart));
    if (!halves()) {
        for (std::int64_t key = 0; key < end; ++key)
            for (std::int64_t head = 0; head < heads.count; ++head)
                copy(v, first_row + key, first_column + head * shape_.width,
                     reinterpret_cast<float*>(values_of(memory, head)) + key * padded_width_);
        return;
    }
    // Two keys' values side by side, number by number.
    std::fill_n(memory.rows, padded_width_, 0U);
    const auto pair = [&]<typename Number>(const Number* /*type*/, std::int64_t key,
                                           std::int64_t head) {
        const auto row = [&](std::int64_t index) {
            return reinterpret_cast<const Number*>(
                row_at(v, first_row + index, first_column + head * shape_.width));
        };
        const auto* zeros = reinterpret_cast<const Number*>(memory.rows);
        vectors::interleave(row(key), key + 1 < shape_.keys ? row(key + 1) : zeros,
                            reinterpret_cast<Bf16*>(values_of(memory, head)) + key * padded_width_,
                            width);
    };
    for (std::int64_t key = 0; key < end; key += 2) {
        for (std::int64_t head = 0; head < heads.count; ++head) {
            if (v->type == GGML_TYPE_BF16) {
                pair(static_cast<const Bf16*>(nullptr), key, head);
            } else {
                pair(static_cast<const float*>(nullptr), key, head);
            }
        }
    }
}

void TiledAttention::pack_queries(const ggml_tensor* q, const Heads& heads,
                                  const Memory& memory) const {
    const auto used = static_cast<std::size_t>(shape_.width) * number_bytes();
    const auto row_bytes = static_cast<std::size_t>(padded_width_) * number_bytes();
    for (std::int64_t query = 0; query < shape_.queries; ++query) {
        for (std::int64_t head = 0; head < heads.count; ++head) {
            std::byte* to = queries_of(memory, head) + static_cast<std::size_t>(query) * row_bytes;
            std::fill(to + used, to + row_bytes, std::byte{});
            copy_turned(q, heads.sequence * shape_.queries + query,
                        heads.first % shape_.heads + head, query, to);
        }
    }
}

void TiledAttention::attend(ggml_tensor* to, const Heads& heads, std::int64_t head,
                            std::int64_t tile, const Memory& memory, int thread) const {
    const ggml_tensor* q = to->src[0];
    const bool last_tile = tile + 1 == tiles_;
    const std::int64_t first = tile * tile_;
    const std::int64_t rows = std::min(tile_, shape_.queries - first);
    const std::int64_t seen = seen_by(first + rows - 1, shape_, heads.length);  // by any of them
    const std::int64_t query_row = heads.sequence * shape_.queries + first;
    const std::int64_t column = (heads.first % shape_.heads + head) * shape_.width;
    const std::int64_t width = shape_.heads * shape_.width;
    float* out = numbers_of(to) + query_row * width + column;
    if (seen == 0) {
        for (std::int64_t row = 0; row < rows; ++row)
            std::fill_n(out + row * width, shape_.width, 0.0F);
        return;
    }
    const void* a = numbers_of(q) + query_row * row_of(q) + column;
    if (staged_) {
        a = queries_of(memory, head) +
            static_cast<std::size_t>(first * padded_width_) * number_bytes();
    }
    constexpr MatrixKernel::Offsets kNone{};
    void* kernel_memory = workspace_.kernel_memory(thread);
    for (std::int64_t key = 0; key < seen; key += kPanel) {
        scores_[last_tile]->run(a, keys_of(memory, head) + key * key_words() * 4, &kNone,
                                memory.scores + key, kernel_memory);
    }
    const std::int64_t filled = std::min(rounded_up(seen, kPart), padded_keys_);
    float totals[kMostQueries];
    for (std::int64_t row = 0; row < rows; ++row) {
        const auto count = static_cast<std::size_t>(seen_by(first + row, shape_, heads.length));
        float* scores = memory.scores + row * score_row_;
        Bf16* shares = memory.shares + row * score_row_;
        const auto padded = static_cast<std::size_t>(filled);
        totals[row] = halves() ? vectors::soften(scores, shape_.scale(), count, padded, shares)
                               : vectors::soften(scores, shape_.scale(), count, padded, scores);
    }
    for (std::int64_t key = 0; key < seen; key += kPart) {
        const bool last = key + kPart >= shape_.keys;
        const MatrixKernel& kernel = *mixes_[last_tile][last][key > 0];
        const void* shares = halves() ? static_cast<const void*>(memory.shares + key)
                                      : static_cast<const void*>(memory.scores + key);
        kernel.run(shares,
                   values_of(memory, head) +
                       static_cast<std::size_t>(key * padded_width_) * number_bytes(),
                   &kNone, memory.mixed, kernel_memory);
    }
    for (std::int64_t row = 0; row < rows; ++row) {
        vectors::scale(memory.mixed + row * padded_width_, totals[row] > 0 ? 1 / totals[row] : 0,
                       static_cast<std::size_t>(shape_.width), out + row * width);
    }
}

void TiledAttention::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const Memory own = memory(thread);
    const auto [first, last] = share_of(shape_.sequences * shape_.heads * tiles_, thread, threads);
    const std::int64_t end = (last + tiles_ - 1) / tiles_;  // of its heads
    Heads heads{};
    for (std::int64_t unit = first; unit < last; ++unit) {
        const std::int64_t head = unit / tiles_;
        if (head >= heads.first + heads.count) {
            heads.first = head;
            heads.sequence = head / shape_.heads;
            heads.count =
                std::min({kMostTogether, end - head, (heads.sequence + 1) * shape_.heads - head});
            heads.length = length_of(to->src[3], heads.sequence, shape_.keys);
            pack_keys(to->src[1], heads, own);
            pack_values(to->src[2], heads, own);
            if (staged_) pack_queries(to->src[0], heads, own);
        }
        attend(to, heads, head - heads.first, unit % tiles_, own, thread);
    }
}

RowAttention::RowAttention(Workspace& workspace, const AttentionShape& shape)
    : workspace_(workspace), shape_(shape) {
    workspace.reserve(static_cast<std::size_t>(shape.queries * shape.keys) * sizeof(float));
}

void RowAttention::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    auto* scores = reinterpret_cast<float*>(workspace_.memory(thread));
    const auto [first, last] = share_of(shape_.sequences * shape_.heads, thread, threads);
    for (std::int64_t unit = first; unit < last; ++unit) {
        const std::int64_t sequence = unit / shape_.heads;
        const std::int64_t column = unit % shape_.heads * shape_.width;
        const std::int64_t length = length_of(to->src[3], sequence, shape_.keys);
        attend_head(
            to, to->src[1], to->src[2], shape_, column, sequence * shape_.queries,
            sequence * shape_.keys, length,
            [&](std::int64_t i) { return seen_by(i, shape_, length); }, scores);
    }
}

CachedAttention::CachedAttention(Workspace& workspace, const AttentionShape& shape)
    : workspace_(workspace), shape_(shape) {
    workspace.reserve(static_cast<std::size_t>(shape.queries * shape.keys) * sizeof(float));
}

void CachedAttention::compute(ggml_tensor* to, int thread, int threads) const noexcept {
    const ggml_tensor* keys = to->src[3];
    const ggml_tensor* values = to->src[4];
    const std::int64_t position = *static_cast<const std::int32_t*>(to->src[5]->data);
    // Bad positions are the caller's bug; the memory behind the cache is not to pay for it.
    if (position < 0 || position + shape_.queries > shape_.keys) return;
    auto* scores = reinterpret_cast<float*>(workspace_.memory(thread));
    const auto width = static_cast<std::size_t>(shape_.width);
    const auto put = [&](const ggml_tensor* from, const ggml_tensor* cache, std::int64_t row,
                         std::int64_t cache_row, std::int64_t column) {
        const float* numbers = numbers_of(from) + row * row_of(from) + column;
        auto* place = const_cast<std::byte*>(row_at(cache, cache_row, column));
        if (cache->type == GGML_TYPE_BF16) {
            vectors::to_bf16(numbers, reinterpret_cast<Bf16*>(place), width);
        } else {
            std::memcpy(place, numbers, width * sizeof(float));
        }
    };
    const auto [first, last] = share_of(shape_.sequences * shape_.heads, thread, threads);
    for (std::int64_t unit = first; unit < last; ++unit) {
        const std::int64_t sequence = unit / shape_.heads;
        const std::int64_t column = unit % shape_.heads * shape_.width;
        const std::int64_t place = sequence * shape_.keys;
        for (std::int64_t i = 0; i < shape_.queries; ++i) {
            const std::int64_t row = sequence * shape_.queries + i;
            put(to->src[1], keys, row, place + position + i, column);
            put(to->src[2], values, row, place + position + i, column);
        }
        attend_head(
            to, keys, values, shape_, column, sequence * shape_.queries, place,
            position + shape_.queries, [&](std::int64_t i) { return position + i + 1; }, scores);
    }
}

}  // namespace titans::engine
