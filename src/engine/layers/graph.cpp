#include "engine/layers/graph.h"

#include <ggml-alloc.h>
#include <ggml.h>

#include <cassert>
#include <chrono>
#include <format>

#include "engine/layers/conv1d_operation.h"
#include "engine/layers/graph_parts.h"
#include "engine/layers/linear_operation.h"
#include "engine/layers/norm_operation.h"

namespace titans::engine {
namespace {

constexpr std::size_t kMostNodes = 8192;

bool is_view(const ggml_tensor* node) {
    return node->op == GGML_OP_VIEW || node->op == GGML_OP_RESHAPE || node->op == GGML_OP_PERMUTE ||
           node->op == GGML_OP_TRANSPOSE;
}

/// ggml ends the process where a backend meets a node that it has no operator for.
Result<void> check_support(const Device& device, ggml_cgraph* graph) {
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        const Node node = ggml_graph_node(graph, i);
        if (!ggml_backend_supports_op(device.backend(), node)) {
            return fail(ErrorKind::Unsupported,
                        std::format("{} cannot compute the network", device.name()),
                        ggml_op_desc(node));
        }
    }
    return {};
}

}  // namespace

Node GraphBuilder::node(std::unique_ptr<Operation> operation, std::int64_t rows, std::int64_t width,
                        std::initializer_list<Node> operands) {
    const auto compute = [](ggml_tensor* to, int thread, int threads, void* operation) {
        static_cast<const Operation*>(operation)->compute(to, thread, threads);
        MatrixKernel::release();
    };
    std::vector<Node> sources(operands);
    Node node = ggml_custom_4d(context_, GGML_TYPE_F32, width, rows, 1, 1, sources.data(),
                               static_cast<int>(sources.size()), compute, GGML_N_TASKS_MAX,
                               operation.get());
    parts_.operations[node] = std::move(operation);
    return node;
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
        case Activation::Silu:
            return ggml_silu(context_, x);
        case Activation::Mish:
            return ggml_mul(context_, x, ggml_tanh(context_, ggml_softplus(context_, x)));
    }
    std::unreachable();
}

Node GraphBuilder::add(Node a, Node b) { return ggml_add(context_, a, b); }

Node GraphBuilder::linear(Node x, const Linear& layer, const LinearOptions& options) {
    if (layer.packed != nullptr) {
        precision_ = layer.packed->precision();
        auto operation = std::make_unique<LinearOperation>(device_.workspace(), *layer.packed,
                                                           layer.bias, x, options.activation);
        return node(std::move(operation), x->ne[1], layer.out, {x, options.add, options.gate});
    }
    x = ggml_is_contiguous(x) ? aligned(x) : ggml_cont(context_, x);
    Node y = ggml_mul_mat(context_, layer.weight, x);
    ggml_prec_set_acc(y, GGML_PREC_F32);
    if (layer.bias != nullptr) y = ggml_add(context_, y, layer.bias);
    y = activate(y, options.activation);
    if (options.gate != nullptr) y = ggml_mul(context_, y, options.gate);
    return options.add == nullptr ? y : ggml_add(context_, y, options.add);
}

Node GraphBuilder::conv1d(Node x, const Conv1d& layer, const Conv1dOptions& options) {
    const Conv1dShape& shape = layer.shape;
    const std::int64_t time = x->ne[1] / options.sequences;
    const std::int64_t rows = convolved_rows(shape, time);
    if (rows < 1) {
        parts_.error = {ErrorKind::InvalidInput, "there is too little for the network to work on"};
        return input(options.sequences, shape.out);
    }
    if (is_ours()) {
        std::unique_ptr<Operation> operation;
        if (layer.packed.empty()) {
            operation = std::make_unique<DepthwiseOperation>(layer, x, options.activation,
                                                             options.sequences);
        } else {
            operation = std::make_unique<Conv1dOperation>(device_.workspace(), layer, x,
                                                          options.activation, options.sequences);
        }
        return node(std::move(operation), rows * options.sequences, shape.out, {x});
    }
    Node y = nullptr;
    for (int sequence = 0; sequence < options.sequences; ++sequence) {
        Node own = convolve(this->rows(x, sequence * time, time), layer);
        y = y == nullptr ? own : ggml_concat(context_, y, own, 1);
    }
    if (layer.bias != nullptr) y = ggml_add(context_, y, layer.bias);
    return activate(y, options.activation);
}

Node GraphBuilder::convolve(Node x, const Conv1d& layer) {
    const Conv1dShape& shape = layer.shape;
    const std::int64_t width = shape.in / shape.groups;
    const std::int64_t out = shape.out / shape.groups;
    Node y = nullptr;
    for (int group = 0; group < shape.groups; ++group) {
        // Time to the fast axis, as im2col wants it.
        Node part = ggml_cont(context_, ggml_transpose(context_, columns(x, group * width, width)));
        if (shape.pad_left + shape.pad_right > 0) {
            part = ggml_pad_ext(context_, part, shape.pad_left, shape.pad_right, 0, 0, 0, 0, 0, 0);
        }
        Node kernel =
            ggml_view_2d(context_, layer.weight, shape.kernel * width, out, layer.weight->nb[2],
                         static_cast<std::size_t>(group * out) * layer.weight->nb[2]);
        // Only the shape of its kernel is looked at: all groups' stands for each one's.
        Node patches = ggml_im2col(context_, layer.weight, part, shape.stride, 0, 0, 0,
                                   shape.dilation, 0, false, GGML_TYPE_F32);
        Node product = ggml_mul_mat(context_, aligned(kernel), patches);
        product = ggml_reshape_2d(context_, product, out, product->ne[1]);
        y = y == nullptr ? product : ggml_concat(context_, y, product, 0);
    }
    return y;
}

Node GraphBuilder::aligned(Node x) {
    if (!device_.is_gpu()) return x;
    const std::size_t alignment =
        ggml_backend_buft_get_alignment(ggml_backend_get_default_buffer_type(device_.backend()));
    return x->view_offs % alignment == 0 ? x : ggml_cont(context_, x);
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

Node GraphBuilder::modulated_norm(Node x, Node scale, Node shift, float epsilon) {
    if (is_ours()) {
        return node(std::make_unique<ModulatedNorm>(epsilon), x->ne[1], x->ne[0],
                    {x, scale, shift});
    }
    Node y = ggml_norm(context_, x, epsilon);
    return ggml_add(context_, ggml_add(context_, ggml_mul(context_, y, scale), y), shift);
}

Node GraphBuilder::response_norm(Node x, const Norm& layer, int sequences) {
    const std::int64_t width = x->ne[0];
    const std::int64_t time = x->ne[1] / sequences;
    if (is_ours()) {
        Node lengths = node(std::make_unique<ColumnLengths>(sequences), sequences, width, {x});
        return node(std::make_unique<ResponseNorm>(device_.workspace(), layer, x, sequences),
                    x->ne[1], width, {x, lengths});
    }
    Node y = nullptr;
    for (int sequence = 0; sequence < sequences; ++sequence) {
        Node part = rows(x, sequence * time, time);
        Node by_column = ggml_cont(context_, ggml_transpose(context_, part));
        Node squares = ggml_sum_rows(context_, ggml_sqr(context_, by_column));
        Node lengths = ggml_reshape_2d(context_, ggml_sqrt(context_, squares), width, 1);
        Node mean = ggml_scale_bias(context_, ggml_mean(context_, lengths), 1.0F, layer.epsilon);
        Node own = ggml_mul(context_, ggml_div(context_, lengths, mean), layer.scale);
        own = ggml_add(context_, ggml_mul(context_, part, own), part);
        y = y == nullptr ? own : ggml_concat(context_, y, own, 1);
    }
    return ggml_add(context_, y, layer.shift);
}

Node GraphBuilder::scale_rows(Node x, Node factors) {
    if (is_ours()) return node(std::make_unique<ScaleRows>(), x->ne[1], x->ne[0], {x, factors});
    return ggml_mul(context_, x, factors);
}

Node GraphBuilder::cut(Node value) {
    expand(value);
    const int nodes = ggml_graph_n_nodes(parts_.graph);
    if (nodes > (parts_.cuts.empty() ? 0 : parts_.cuts.back())) parts_.cuts.push_back(nodes);
    return value;
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

std::span<std::byte> GraphBuilder::Parts::values() const {
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        const ggml_tensor* const node = ggml_graph_node(graph, i);
        if (node->view_src != nullptr) continue;  // maybe of a weight
        return {static_cast<std::byte*>(ggml_backend_buffer_get_base(node->buffer)),
                ggml_backend_buffer_get_size(node->buffer)};
    }
    return {};
}

void GraphBuilder::Parts::take_apart() {
    const int nodes = ggml_graph_n_nodes(graph);
    if (cuts.empty() || cuts.back() < nodes) cuts.push_back(nodes);
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < cuts.size(); ++i)
        bytes += ggml_graph_overhead_custom(static_cast<std::size_t>(size_of(i)), false);
    pieces_context.reset(ggml_init({.mem_size = bytes, .mem_buffer = nullptr, .no_alloc = true}));
    for (std::size_t i = 0; i < cuts.size(); ++i) {
        ggml_cgraph* piece = ggml_new_graph_custom(pieces_context.get(),
                                                   static_cast<std::size_t>(size_of(i)), false);
        for (int node = cuts[i] - size_of(i); node < cuts[i]; ++node)
            ggml_graph_add_node(piece, ggml_graph_node(graph, node));
        pieces.push_back(piece);
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
    if (parts->error) return std::unexpected(*std::move(parts->error));
    if (device.is_gpu()) {
        TITANS_TRY_VOID(check_support(device, parts->graph));
    }
    parts->memory.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(device.backend())));
    if (!ggml_gallocr_alloc_graph(parts->memory.get(), parts->graph)) {
        return fail(ErrorKind::Internal, "there is not enough memory for the model");
    }
    if (!device.is_gpu()) prefer_huge_pages(parts->values());
    parts->take_apart();
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
    next_ = 0;
    for (const auto& derive : parts_->derived) derive();
    return compute(parts_->graph, stop);
}

Result<void> Graph::compute(ggml_cgraph* graph, const std::stop_token& stop) {
    if (device_.profile() == nullptr) return device_.compute(graph, stop);
    const ggml_context_ptr context(ggml_init({.mem_size = ggml_graph_overhead_custom(1, false),
                                              .mem_buffer = nullptr,
                                              .no_alloc = true}));
    ggml_cgraph* single = ggml_new_graph_custom(context.get(), 1, false);
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
        Node node = ggml_graph_node(graph, i);
        if (is_view(node)) continue;
        ggml_graph_clear(single);
        ggml_graph_add_node(single, node);
        const auto start = std::chrono::steady_clock::now();
        TITANS_TRY_VOID(device_.compute(single, stop));
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
        const auto ours = parts_->operations.find(node);
        const bool is_ours = ours != parts_->operations.end();
        Profile::Kind& kind =
            (*device_.profile())
                .kinds[is_ours ? std::string(ours->second->name()) : ggml_op_desc(node)];
        ++kind.nodes;
        kind.seconds += took.count();
        if (is_ours) kind.operations += ours->second->operations();
    }
    return {};
}

int Graph::parts() const { return static_cast<int>(parts_->pieces.size()); }

Result<bool> Graph::compute_next(const std::stop_token& stop) {
    if (next_ == 0)
        for (const auto& derive : parts_->derived) derive();
    const std::size_t part = std::exchange(next_, 0);
    TITANS_TRY_VOID(compute(parts_->pieces[part], stop));
    if (part + 1 == parts_->pieces.size()) return false;
    next_ = part + 1;
    return true;
}

}  // namespace titans::engine
