#pragma once

#include <memory>
#include <vector>

#include "engine/layers/operation.h"
#include "engine/layers/precision.h"
#include "engine/layers/workspace.h"

namespace titans::engine {

/// The angles by which heads of `width` numbers are turned at positions from 0 on, as
/// vectors::rotate() takes them.
class Turns {
public:
    static constexpr float kBase = 10'000;

    Turns(std::int64_t positions, std::int64_t width);

    const float* at(std::int64_t position) const {
        return values_.data() + static_cast<std::size_t>(position * width_);
    }

private:
    std::int64_t width_;
    std::vector<float> values_;  // [positions, width]
};

/// What an attention is about, drawn from its operands.
struct AttentionShape {
    std::int64_t heads = 1;
    std::int64_t sequences = 1;
    std::int64_t queries = 0;  // of a sequence
    std::int64_t keys = 0;     // of a sequence
    std::int64_t width = 0;    // of a head
    bool causal = false;
    std::int64_t rotated_heads = 0;  // the first ones; of TiledAttention only
    std::shared_ptr<const Turns> turns;

    float scale() const;
    double operations() const;
};

/// Attention of many queries: tile by tile of one head's queries, products by kernels, the softmax
/// between them. Sources: q, k, v (F32; k and v may both be BF16 where precision is Bf16) and, if
/// there are any, lengths, I32.
class TiledAttention : public Operation {
public:
    /// q: as the source will be.
    TiledAttention(Workspace& workspace, const AttentionShape& shape, Precision precision,
                   const ggml_tensor* q);

    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "attention"; }
    double operations() const override { return shape_.operations(); }

private:
    struct Memory;
    struct Heads;

    bool halves() const { return precision_ != Precision::F32; }
    std::size_t number_bytes() const;
    std::int64_t key_words() const;  // of 4 bytes
    Memory memory(int thread) const;
    std::byte* keys_of(const Memory& memory, std::int64_t head) const;
    std::byte* values_of(const Memory& memory, std::int64_t head) const;
    std::byte* queries_of(const Memory& memory, std::int64_t head) const;

    void pack_keys(const ggml_tensor* k, const Heads& heads, const Memory& memory) const;
    void pack_values(const ggml_tensor* v, const Heads& heads, const Memory& memory) const;
    void pack_queries(const ggml_tensor* q, const Heads& heads, const Memory& memory) const;
    /// What one head has of a row, in the numbers that are multiplied.
    void copy(const ggml_tensor* from, std::int64_t row, std::int64_t column, void* to) const;
    void copy_turned(const ggml_tensor* from, std::int64_t row, std::int64_t head,
                     std::int64_t position, void* to) const;
    /// head: of `heads`, which are packed.
    void attend(ggml_tensor* to, const Heads& heads, std::int64_t head, std::int64_t tile,
                const Memory& memory, int thread) const;

    const Workspace& workspace_;
    AttentionShape shape_;
    Precision precision_;
    std::int64_t tile_;          // queries
    std::int64_t tiles_;         // of a sequence
    std::int64_t padded_keys_;   // whole panels
    std::int64_t score_row_;     // numbers
    std::int64_t padded_width_;  // of queries and values once converted
    bool staged_;                // queries are converted or turned; else read where they are
    struct {                     // where a thread has what
        std::size_t keys, values, queries, scores, shares, mixed, rows, end;
    } memory_{};
    // [last tile]
    std::shared_ptr<const MatrixKernel> scores_[2];
    // [last tile][last part of the keys][added to what is there]
    std::shared_ptr<const MatrixKernel> mixes_[2][2][2];
};

/// Attention of few queries, bound by reading keys and values: row by row. Sources as
/// TiledAttention's, k and v of F32 or BF16.
class RowAttention : public Operation {
public:
    RowAttention(Workspace& workspace, const AttentionShape& shape);

    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "attention"; }
    double operations() const override { return shape_.operations(); }

private:
    const Workspace& workspace_;
    AttentionShape shape_;
};

/// Puts new keys and values behind those of a cache and attends to all of them. shape.keys is the
/// cache's capacity. Sources: q, k, v, the cache's keys and values (F32 or BF16), position, I32
/// [1].
class CachedAttention : public Operation {
public:
    CachedAttention(Workspace& workspace, const AttentionShape& shape);

    void compute(ggml_tensor* to, int thread, int threads) const noexcept override;
    std::string_view name() const override { return "attention"; }
    double operations() const override { return shape_.operations(); }

private:
    const Workspace& workspace_;
    AttentionShape shape_;
};

}  // namespace titans::engine
