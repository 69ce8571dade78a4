#include <ggml.h>

#include <cassert>
#include <cmath>
#include <limits>

#include "engine/layers/attention_operation.h"
#include "engine/layers/graph_parts.h"

namespace titans::engine {
namespace {

/// With fewer queries a head's keys are not worth being laid out for the large products' kernels.
constexpr std::int64_t kFewQueries = 12;
constexpr float kMasked = -std::numeric_limits<float>::infinity();

/// [sequences x length, width] as [sequences, heads, length, width / heads].
Node split_heads(ggml_context* context, Node x, int heads, std::int64_t sequences,
                 std::int64_t length) {
    const std::int64_t width = x->ne[0] / heads;
    Node split = ggml_view_4d(context, x, width, heads, length, sequences,
                              static_cast<std::size_t>(width) * x->nb[0], x->nb[1],
                              static_cast<std::size_t>(length) * x->nb[1], 0);
    return ggml_permute(context, split, 0, 2, 1, 3);
}

/// mask: what is added to the scores, [sequences or 1, 1, queries, keys], or none.
Node attend(ggml_context* context, Node q, Node k, Node v, Node mask, int heads, int sequences,
            std::int64_t keys) {
    const std::int64_t width = q->ne[0];
    const std::int64_t queries = q->ne[1] / sequences;
    const std::int64_t of_keys = k->ne[1] / keys;  // one, or as many as queries have
    Node split_q = split_heads(context, q, heads, sequences, queries);
    Node split_k = split_heads(context, k, heads, of_keys, keys);
    Node split_v = split_heads(context, v, heads, of_keys, keys);
    Node scores = ggml_mul_mat(context, split_k, split_q);
    const float scale = 1.0F / std::sqrt(static_cast<float>(width / heads));
    Node shares = ggml_soft_max_ext(context, scores, mask, scale, 0.0F);
    Node turned = ggml_cont(context, ggml_transpose(context, split_v));
    Node mixed = ggml_permute(context, ggml_mul_mat(context, turned, shares), 0, 2, 1, 3);
    return ggml_cont_2d(context, mixed, width, q->ne[1]);
}

}  // namespace

Node GraphBuilder::rotate(Node x, const AttentionOptions& options, std::int64_t length) {
    Node positions = ggml_new_tensor_1d(context_, GGML_TYPE_I32, x->ne[1]);
    ggml_set_input(positions);
    ggml_set_output(positions);
    parts_.derived.emplace_back([=] {
        std::vector<std::int32_t> values;
        for (std::int64_t row = 0; row < positions->ne[0]; ++row)
            values.push_back(static_cast<std::int32_t>(row % length));
        ggml_backend_tensor_set(positions, values.data(), 0, ggml_nbytes(positions));
    });
    const std::int64_t width = x->ne[0] / options.heads;
    const std::int64_t rotated = width * options.rotated_heads;
    Node turned = ggml_reshape_3d(context_, ggml_cont(context_, columns(x, 0, rotated)), width,
                                  options.rotated_heads, x->ne[1]);
    turned = ggml_rope_ext(context_, turned, positions, nullptr, static_cast<int>(width),
                           GGML_ROPE_TYPE_NORMAL, 0, Turns::kBase, 1, 0, 1, 0, 0);
    turned = ggml_reshape_2d(context_, turned, rotated, x->ne[1]);
    if (options.rotated_heads == options.heads) return turned;
    Node others = ggml_cont(context_, columns(x, rotated, x->ne[0] - rotated));
    return ggml_concat(context_, turned, others, 0);
}

Node GraphBuilder::attention(Node q, Node k, Node v, const AttentionOptions& options) {
    const std::int64_t queries = q->ne[1] / options.sequences;
    const bool shared_keys = options.lengths == nullptr && !options.causal &&
                             options.sequences > 1 && k->ne[1] % options.sequences != 0;
    const std::int64_t keys = shared_keys ? k->ne[1] : k->ne[1] / options.sequences;
    if (is_ours()) {
        AttentionShape shape{.heads = options.heads,
                             .sequences = shared_keys ? 1 : options.sequences,
                             .queries = shared_keys ? q->ne[1] : queries,
                             .keys = keys,
                             .width = q->ne[0] / options.heads,
                             .causal = options.causal,
                             .rotated_heads = options.rotated_heads};
        if (options.rotated_heads > 0) {
            auto& turns = parts_.turns[{std::max(shape.queries, keys), shape.width}];
            if (turns == nullptr) {
                turns = std::make_shared<const Turns>(std::max(shape.queries, keys), shape.width);
            }
            shape.turns = turns;
        }
        const Precision asked = options.precision.value_or(precision_);
        const Precision precision =
            asked == Precision::F32 || k->type != v->type ? Precision::F32 : native_precision();
        const bool few = options.rotated_heads == 0 &&
                         (shape.queries < kFewQueries ||
                          (k->type != GGML_TYPE_F32 && precision == Precision::F32));
        std::unique_ptr<Operation> operation;
        if (few) {
            operation = std::make_unique<RowAttention>(device_.workspace(), shape);
        } else {
            operation = std::make_unique<TiledAttention>(device_.workspace(), shape, precision, q);
        }
        return node(std::move(operation), q->ne[1], q->ne[0], {q, k, v, options.lengths});
    }
    if (options.rotated_heads > 0) {
        q = rotate(q, options, queries);
        k = rotate(k, options, keys);
    }
    Node mask = nullptr;
    if (options.causal || options.lengths != nullptr) {
        mask = ggml_new_tensor_4d(context_, GGML_TYPE_F32, keys, queries, 1, options.sequences);
        ggml_set_input(mask);
        ggml_set_output(mask);
        Parts* parts = &parts_;
        parts_.derived.emplace_back([mask, parts, options, queries, keys] {
            std::vector<float> values;
            values.reserve(static_cast<std::size_t>(options.sequences * queries * keys));
            for (int sequence = 0; sequence < options.sequences; ++sequence) {
                const std::int64_t length =
                    options.lengths == nullptr
                        ? keys
                        : parts->integers[options.lengths][static_cast<std::size_t>(sequence)];
                for (std::int64_t query = 0; query < queries; ++query) {
                    for (std::int64_t key = 0; key < keys; ++key) {
                        const bool seen =
                            key < length && (!options.causal || key <= query + keys - queries);
                        values.push_back(seen ? 0 : kMasked);
                    }
                }
            }
            ggml_backend_tensor_set(mask, values.data(), 0, values.size() * sizeof(float));
        });
    }
    return attend(context_, aligned(q), aligned(k), v, mask, options.heads, options.sequences,
                  keys);
}

Node GraphBuilder::cached_attention(Node q, Node k, Node v, const KvCache& cache, int layer,
                                    Node position, int heads) {
    const int sequences = cache.shape().sequences;
    const std::int64_t capacity = cache.shape().capacity;
    const std::int64_t queries = q->ne[1] / sequences;
    if (is_ours()) {
        const AttentionShape shape{.heads = heads,
                                   .sequences = sequences,
                                   .queries = queries,
                                   .keys = capacity,
                                   .width = q->ne[0] / heads};
        return node(std::make_unique<CachedAttention>(device_.workspace(), shape), q->ne[1],
                    q->ne[0], {q, k, v, cache.keys(layer), cache.values(layer), position});
    }
    Node places = ggml_new_tensor_1d(context_, GGML_TYPE_I64, q->ne[1]);
    Node mask = ggml_new_tensor_2d(context_, GGML_TYPE_F32, capacity, queries);
    for (Node made : {places, mask}) {
        ggml_set_input(made);
        ggml_set_output(made);
    }
    Parts* parts = &parts_;
    parts_.derived.emplace_back([=] {
        const std::int64_t past = parts->integers[position][0];
        assert(past + queries <= capacity);
        std::vector<std::int64_t> to;
        for (int sequence = 0; sequence < sequences; ++sequence)
            for (std::int64_t i = 0; i < queries; ++i) to.push_back(sequence * capacity + past + i);
        ggml_backend_tensor_set(places, to.data(), 0, to.size() * sizeof(std::int64_t));
        std::vector<float> values;
        for (std::int64_t query = 0; query < queries; ++query)
            for (std::int64_t key = 0; key < capacity; ++key)
                values.push_back(key <= past + query ? 0 : kMasked);
        ggml_backend_tensor_set(mask, values.data(), 0, values.size() * sizeof(float));
    });
    const auto put = [&](Node value, Node kept) {
        if (!ggml_is_contiguous(value)) value = ggml_cont(context_, value);
        Node written = ggml_set_rows(context_, kept, value, places);
        expand(written);
        return written;
    };
    Node all_keys = put(k, cache.keys(layer));
    Node all_values = put(v, cache.values(layer));
    return attend(context_, aligned(q), all_keys, all_values, mask, heads, sequences, capacity);
}

Result<std::unique_ptr<KvCache>> KvCache::open(Device& device, const Shape& shape) {
    std::unique_ptr<KvCache> cache(new KvCache());
    cache->shape_ = shape;
    const bool halves = shape.precision != Precision::F32 &&
                        device.arithmetic() == Device::Arithmetic::Ours &&
                        native_precision() == Precision::Bf16;
    const ggml_type type = halves ? GGML_TYPE_BF16 : GGML_TYPE_F32;
    const auto count = static_cast<std::size_t>(shape.layers) * 2;
    cache->context_.reset(ggml_init({.mem_size = ggml_tensor_overhead() * (count + 1),
                                     .mem_buffer = nullptr,
                                     .no_alloc = true}));
    for (int layer = 0; layer < shape.layers; ++layer) {
        for (std::vector<Node>* side : {&cache->keys_, &cache->values_}) {
            side->push_back(ggml_new_tensor_2d(cache->context_.get(), type, shape.width,
                                               shape.capacity * shape.sequences));
        }
    }
    cache->buffer_.reset(ggml_backend_alloc_ctx_tensors(cache->context_.get(), device.backend()));
    if (!cache->buffer_) {
        return fail(ErrorKind::Internal, "there is not enough memory for the model");
    }
    // What is masked is multiplied by zero, and must be a number for that.
    ggml_backend_buffer_clear(cache->buffer_.get(), 0);
    return cache;
}

void KvCache::reorder(std::span<const int> sources, std::int64_t length) {
    if (keys_.empty()) return;
    const std::size_t row = keys_.front()->nb[1];
    const std::size_t used = static_cast<std::size_t>(length) * row;
    const std::size_t stride = static_cast<std::size_t>(shape_.capacity) * row;
    std::vector<std::byte> copies(used * sources.size());
    for (const std::vector<Node>* side : {&keys_, &values_}) {
        for (Node node : *side) {
            for (std::size_t i = 0; i < sources.size(); ++i) {
                ggml_backend_tensor_get(node, copies.data() + i * used,
                                        static_cast<std::size_t>(sources[i]) * stride, used);
            }
            for (std::size_t i = 0; i < sources.size(); ++i)
                ggml_backend_tensor_set(node, copies.data() + i * used, i * stride, used);
        }
    }
}

}  // namespace titans::engine
