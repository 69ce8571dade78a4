#include "engine/layers/graph.h"

#include <ggml-alloc.h>
#include <ggml.h>

#include <cassert>
#include <cmath>
#include <limits>
#include <map>

#include "engine/layers/attention_operation.h"
#include "engine/layers/conv1d_operation.h"
#include "engine/layers/linear_operation.h"
#include "engine/layers/norm_operation.h"
#include "engine/layers/operation.h"

namespace titans::engine {
namespace {

constexpr std::size_t kMostNodes = 8192;
/// With fewer queries a head's keys are not worth being laid out for the large products' kernels.
constexpr std::int64_t kFewQueries = 12;
constexpr float kMasked = -std::numeric_limits<float>::infinity();

}  // namespace

/// What a graph is made of, and what its nodes refer to.
struct GraphBuilder::Parts {
    ggml_context_ptr context;
    ggml_cgraph* graph = nullptr;
    ggml_gallocr_ptr memory;
    std::vector<std::unique_ptr<Operation>> operations;
    std::map<Node, std::vector<std::int32_t>> integers;  // what integer inputs were given last
    std::vector<std::function<void()>> derived;          // inputs that follow from those
};

Node GraphBuilder::node(std::unique_ptr<Operation> operation, std::int64_t rows, std::int64_t width,
                        std::initializer_list<Node> operands) {
    const auto compute = [](ggml_tensor* to, int thread, int threads, void* operation) {
        static_cast<const Operation*>(operation)->compute(to, thread, threads);
        MatrixKernel::release();
    };
    std::vector<Node> sources(operands);
    parts_.operations.push_back(std::move(operation));
    return ggml_custom_4d(context_, GGML_TYPE_F32, width, rows, 1, 1, sources.data(),
                          static_cast<int>(sources.size()), compute, GGML_N_TASKS_MAX,
                          parts_.operations.back().get());
}

Node GraphBuilder::input(std::int64_t rows, std::int64_t width) {
    Node node = ggml_new_tensor_2d(context_, GGML_TYPE_F32, width, rows);
    ggml_set_input(node);
    ggml_set_output(node);  // else its memory is taken for later nodes
    return node;
}

Node GraphBuilder::integer_input(std::int64_t count) {
    Node node = ggml_new_tensor_1d(context_, GGML_TYPE_I32, count);
    ggml_set_input(node);
    ggml_set_output(node);
    parts_.integers[node].assign(static_cast<std::size_t>(count), 0);
    return node;
}

Node GraphBuilder::output(Node value) {
    ggml_set_output(value);
    expand(value);
    return value;
}

void GraphBuilder::expand(Node node) { ggml_build_forward_expand(parts_.graph, node); }

Node GraphBuilder::activate(Node x, Activation activation) {
    if (is_ours() && activation != Activation::None) {
        return node(std::make_unique<ActivateOperation>(activation), x->ne[1], x->ne[0], {x});
    }
    switch (activation) {
        case Activation::None:
            return x;
        case Activation::GeluErf:
            return ggml_gelu_erf(context_, x);
        case Activation::GeluTanh:
            return ggml_gelu(context_, x);
    }
    std::unreachable();
}

Node GraphBuilder::add(Node a, Node b) { return ggml_add(context_, a, b); }

Node GraphBuilder::linear(Node x, const Linear& layer, const LinearOptions& options) {
    if (layer.packed != nullptr) {
        precision_ = layer.packed->precision();
        auto operation = std::make_unique<LinearOperation>(device_.workspace(), *layer.packed,
                                                           layer.bias, x, options.activation);
        return options.add == nullptr
                   ? node(std::move(operation), x->ne[1], layer.out, {x})
                   : node(std::move(operation), x->ne[1], layer.out, {x, options.add});
    }
    if (!ggml_is_contiguous(x)) x = ggml_cont(context_, x);
    Node y = ggml_mul_mat(context_, layer.weight, x);
    ggml_prec_set_acc(y, GGML_PREC_F32);
    if (layer.bias != nullptr) y = ggml_add(context_, y, layer.bias);
    y = activate(y, options.activation);
    return options.add == nullptr ? y : ggml_add(context_, y, options.add);
}

Node GraphBuilder::conv1d(Node x, const Conv1d& layer, Activation activation) {
    const Conv1dShape& shape = layer.shape;
    if (is_ours()) {
        const std::int64_t rows = convolved_rows(shape, x->ne[1]);
        if (layer.packed.empty()) {
            return node(std::make_unique<DepthwiseOperation>(layer, activation), rows, shape.out,
                        {x});
        }
        return node(std::make_unique<Conv1dOperation>(device_.workspace(), layer, x, activation),
                    rows, shape.out, {x});
    }
    const std::int64_t width = shape.in / shape.groups;
    const std::int64_t out = shape.out / shape.groups;
    Node y = nullptr;
    for (int group = 0; group < shape.groups; ++group) {
        // Time to the fast axis, as im2col wants it.
        Node part = ggml_cont(context_, ggml_transpose(context_, columns(x, group * width, width)));
        if (shape.pad_left + shape.pad_right > 0) {
            part = ggml_pad_ext(context_, part, shape.pad_left, shape.pad_right, 0, 0, 0, 0, 0, 0);
        }
        Node kernel = ggml_view_3d(context_, layer.weight, shape.kernel, width, out,
                                   layer.weight->nb[1], layer.weight->nb[2],
                                   static_cast<std::size_t>(group * out) * layer.weight->nb[2]);
        Node patches = ggml_im2col(context_, kernel, part, shape.stride, 0, 0, 0, shape.dilation, 0,
                                   false, GGML_TYPE_F32);
        Node product = ggml_mul_mat(
            context_, ggml_reshape_2d(context_, kernel, shape.kernel * width, out), patches);
        product = ggml_reshape_2d(context_, product, out, product->ne[1]);
        y = y == nullptr ? product : ggml_concat(context_, y, product, 0);
    }
    if (layer.bias != nullptr) y = ggml_add(context_, y, layer.bias);
    return activate(y, activation);
}

Node GraphBuilder::embedding(Node ids, const Embedding& layer) {
    return ggml_get_rows(context_, layer.table, ids);
}

Node GraphBuilder::layer_norm(Node x, const Norm& layer, Activation activation) {
    if (is_ours())
        return node(std::make_unique<RowNorm>(layer, activation), x->ne[1], x->ne[0], {x});
    Node y = ggml_mul(context_, ggml_norm(context_, x, layer.epsilon), layer.scale);
    return activate(ggml_add(context_, y, layer.shift), activation);
}

Node GraphBuilder::time_norm(Node x, const Norm& layer, Activation activation) {
    if (is_ours())
        return node(std::make_unique<ColumnNorm>(layer, activation), x->ne[1], x->ne[0], {x});
    Node by_column = ggml_cont(context_, ggml_transpose(context_, x));
    Node y = ggml_cont(context_,
                       ggml_transpose(context_, ggml_norm(context_, by_column, layer.epsilon)));
    y = ggml_add(context_, ggml_mul(context_, y, layer.scale), layer.shift);
    return activate(y, activation);
}

Node GraphBuilder::rows(Node x, std::int64_t first, std::int64_t count) {
    return ggml_view_2d(context_, x, x->ne[0], count, x->nb[1],
                        static_cast<std::size_t>(first) * x->nb[1]);
}

Node GraphBuilder::columns(Node x, std::int64_t first, std::int64_t count) {
    return ggml_view_2d(context_, x, count, x->ne[1], x->nb[1],
                        static_cast<std::size_t>(first) * x->nb[0]);
}

void GraphBuilder::keep(Node value, Node cache) {
    expand(ggml_cpy(context_, value, rows(cache, 0, value->ne[1])));
}

namespace {

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
                             .causal = options.causal};
        const Precision asked = options.precision.value_or(precision_);
        const Precision precision =
            asked == Precision::F32 || k->type != v->type ? Precision::F32 : native_precision();
        const bool few = shape.queries < kFewQueries ||
                         (k->type != GGML_TYPE_F32 && precision == Precision::F32);
        std::unique_ptr<Operation> operation;
        if (few) {
            operation = std::make_unique<RowAttention>(device_.workspace(), shape);
        } else {
            operation =
                std::make_unique<TiledAttention>(device_.workspace(), shape, precision, q, v);
        }
        if (options.lengths == nullptr)
            return node(std::move(operation), q->ne[1], q->ne[0], {q, k, v});
        return node(std::move(operation), q->ne[1], q->ne[0], {q, k, v, options.lengths});
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
    return attend(context_, q, k, v, mask, options.heads, options.sequences, keys);
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
    return attend(context_, q, all_keys, all_values, mask, heads, sequences, capacity);
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

Graph::Graph(Device& device, std::unique_ptr<GraphBuilder::Parts> parts)
    : device_(device), parts_(std::move(parts)) {}

Graph::~Graph() = default;

Result<std::unique_ptr<Graph>> Graph::build(Device& device,
                                            const std::function<void(GraphBuilder&)>& draw) {
    auto parts = std::make_unique<GraphBuilder::Parts>();
    parts->context.reset(ggml_init({.mem_size = ggml_tensor_overhead() * kMostNodes +
                                                ggml_graph_overhead_custom(kMostNodes, false),
                                    .mem_buffer = nullptr,
                                    .no_alloc = true}));
    parts->graph = ggml_new_graph_custom(parts->context.get(), kMostNodes, false);
    GraphBuilder builder(device, parts->context.get(), *parts);
    draw(builder);
    parts->memory.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(device.backend())));
    if (!ggml_gallocr_alloc_graph(parts->memory.get(), parts->graph)) {
        return fail(ErrorKind::Internal, "there is not enough memory for the model");
    }
    return std::unique_ptr<Graph>(new Graph(device, std::move(parts)));
}

void Graph::write(Node input, std::span<const float> values) {
    assert(values.size_bytes() == ggml_nbytes(input));
    ggml_backend_tensor_set(input, values.data(), 0, values.size_bytes());
}

void Graph::write(Node input, std::span<const std::int32_t> values) {
    assert(values.size_bytes() == ggml_nbytes(input));
    parts_->integers[input].assign(values.begin(), values.end());
    if (input->buffer != nullptr) {  // else only what is derived from it is in the graph
        ggml_backend_tensor_set(input, values.data(), 0, values.size_bytes());
    }
}

void Graph::read(Node output, std::span<float> values) const {
    assert(values.size_bytes() == ggml_nbytes(output));
    ggml_backend_tensor_get(output, values.data(), 0, values.size_bytes());
}

std::vector<float> Graph::read(Node output) const {
    std::vector<float> values(static_cast<std::size_t>(ggml_nelements(output)));
    read(output, values);
    return values;
}

Result<void> Graph::compute(const std::stop_token& stop) {
    for (const auto& derive : parts_->derived) derive();
    return device_.compute(parts_->graph, stop);
}

}  // namespace titans::engine
