#pragma once

#include <ggml-cpp.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stop_token>
#include <vector>

#include "engine/layers/activation.h"
#include "engine/layers/device.h"
#include "engine/layers/weights.h"
#include "foundation/error.h"

namespace titans::engine {

class Operation;

/// A value in a graph: a matrix, [rows, width], of F32 unless said otherwise. Rows are moments or
/// tokens; where a graph computes several sequences at once, their rows follow each other.
using Node = ggml_tensor*;

/// activation(x W^T + b) * gate + add
struct LinearOptions {
    Activation activation = Activation::None;
    Node add = nullptr;   // [rows, out]
    Node gate = nullptr;  // [1, out]
};

struct Conv1dOptions {
    Activation activation = Activation::None;
    int sequences = 1;  // of equal length, each padded by itself
};

struct AttentionOptions {
    int heads = 1;
    int sequences = 1;  // of queries; the keys are of as many
    bool causal = false;
    /// Of the products; that of the linear layer drawn last if absent.
    std::optional<Precision> precision;
    /// I32, [sequences]: how many of each sequence's keys there are, the rest being padding; all if
    /// absent.
    Node lengths = nullptr;
    /// Queries and keys of the first so many heads are turned by their positions, which begin at 0
    /// in every sequence: RoPE of neighbouring numbers, base 10,000. Of F32 numbers.
    int rotated_heads = 0;
};

/// Keys and values of a decoder's layers, kept between graphs. One for each of `sequences`
/// hypotheses that grow alike.
class KvCache {
public:
    struct Shape {
        int layers = 0;
        int sequences = 1;
        std::int64_t capacity = 0;  // positions
        std::int64_t width = 0;
        /// Keys and values are kept as BF16 where the network computes with such numbers.
        Precision precision = Precision::F32;
    };

    /// Errors: Internal if there is no memory.
    static Result<std::unique_ptr<KvCache>> open(Device& device, const Shape& shape);

    const Shape& shape() const { return shape_; }
    /// [sequences x capacity, width]
    Node keys(int layer) const { return keys_[static_cast<std::size_t>(layer)]; }
    Node values(int layer) const { return values_[static_cast<std::size_t>(layer)]; }

    /// Sequence i goes on with what sequence sources[i] had in its first `length` positions.
    void reorder(std::span<const int> sources, std::int64_t length);

private:
    KvCache() = default;

    Shape shape_;
    ggml_context_ptr context_;
    ggml_backend_buffer_ptr buffer_;
    std::vector<Node> keys_;
    std::vector<Node> values_;
};

/// Draws a graph out of layers. On the processor the heavy ones are kernels of ours, on a GPU
/// ggml's operators (Device::Arithmetic): a network's source does not know which.
class GraphBuilder {
public:
    Device& device() const { return device_; }

    Node input(std::int64_t rows, std::int64_t width);
    /// I32, [count]
    Node integer_input(std::int64_t count);
    /// Keeps the value, to be read after Graph::compute().
    Node output(Node value);

    /// x: [rows, in]. Returns [rows, out].
    Node linear(Node x, const Linear& layer, const LinearOptions& options = {});
    /// x: [time, in]. Returns [(time + padding - dilation (kernel - 1) - 1) / stride + 1, out]; of
    /// several sequences, so many rows each.
    Node conv1d(Node x, const Conv1d& layer, const Conv1dOptions& options = {});
    Node conv1d(Node x, const Conv1d& layer, Activation activation) {
        return conv1d(x, layer, Conv1dOptions{.activation = activation});
    }
    /// ids: I32, [rows]. Returns [rows, width].
    Node embedding(Node ids, const Embedding& layer);
    /// Each row to mean 0 and variance 1, then scale and shift.
    Node layer_norm(Node x, const Norm& layer, Activation activation = Activation::None);
    /// Each column so: GroupNorm with one channel a group.
    Node time_norm(Node x, const Norm& layer, Activation activation = Activation::None);
    /// Each row to mean 0 and variance 1, times 1 + scale, plus shift: both [1, width], and perhaps
    /// columns() of something wider.
    Node modulated_norm(Node x, Node scale, Node shift, float epsilon);
    /// Global response normalisation (arXiv:2301.00808), over each sequence's time: with G the root
    /// of the sum of squares of a column, x + scale * x * G / (mean of the columns' G + epsilon) +
    /// shift.
    Node response_norm(Node x, const Norm& layer, int sequences = 1);
    Node activate(Node x, Activation activation);
    Node add(Node a, Node b);
    /// Each row times a number. factors: [rows, 1].
    Node scale_rows(Node x, Node factors);

    /// softmax(q k^T / sqrt(width of a head)) v, head by head. q: [sequences x queries, width];
    /// k, v: [sequences x keys, width], or [keys, width] for all sequences alike. Returns as q.
    /// They may be columns() of a wider value.
    Node attention(Node q, Node k, Node v, const AttentionOptions& options);

    /// Attention of a decoder: puts k and v, [sequences x new, width], behind the first `position`
    /// positions of the cache's `layer`, and attends, causally, from the new positions to all up to
    /// them. position: I32, [1].
    Node cached_attention(Node q, Node k, Node v, const KvCache& cache, int layer, Node position,
                          int heads);

    /// Puts `value`, [rows, width], into the first rows of `cache`'s tensor (KvCache::keys() or
    /// values()): for what a decoder attends to again and again.
    void keep(Node value, Node cache);

    /// Views. The rows or columns [first, first + count) of x.
    Node rows(Node x, std::int64_t first, std::int64_t count);
    Node columns(Node x, std::int64_t first, std::int64_t count);

    /// Ends a part of the graph, of which Graph::compute_next() computes one at a time: all that
    /// `value` and the outputs drawn so far are made of, as far as it is in no part before. Returns
    /// `value`.
    Node cut(Node value);

    /// For what is not here: the context that the graph is drawn in, and the way back.
    ggml_context* context() const { return context_; }
    void expand(Node node);

private:
    friend class Graph;
    struct Parts;

    bool is_ours() const { return device_.arithmetic() == Device::Arithmetic::Ours; }
    /// By ggml, one sequence, without bias.
    Node convolve(Node x, const Conv1d& layer);
    /// By ggml: x, or a copy if it is a view that begins where the products of a GPU cannot read.
    Node aligned(Node x);
    /// By ggml: x, of sequences of `length`, with its first heads turned by position.
    Node rotate(Node x, const AttentionOptions& options, std::int64_t length);
    /// A node that `operation` computes, [rows, width]. Operands may be null.
    Node node(std::unique_ptr<Operation> operation, std::int64_t rows, std::int64_t width,
              std::initializer_list<Node> operands);

    GraphBuilder(Device& device, ggml_context* context, Parts& parts)
        : device_(device), context_(context), parts_(parts) {}

    Device& device_;
    ggml_context* context_;
    Parts& parts_;
    Precision precision_ = Precision::F32;  // of the linear layer drawn last
};

/// A computation of fixed shapes: drawn once, with its memory, and run any number of times.
class Graph {
public:
    /// `draw` makes the nodes and keeps those that it will write and read. Errors: Internal if
    /// there is no memory.
    static Result<std::unique_ptr<Graph>> build(Device& device,
                                                const std::function<void(GraphBuilder&)>& draw);
    ~Graph();

    /// Inputs keep their values from one compute() to the next. `values` are all of the node's,
    /// row-major.
    void write(Node input, std::span<const float> values);
    void write(Node input, std::span<const std::int32_t> values);
    void read(Node output, std::span<float> values) const;
    std::vector<float> read(Node output) const;

    /// Errors: Cancelled; Internal.
    Result<void> compute(const std::stop_token& stop);

    /// The parts that GraphBuilder::cut() made of it; one if it was cut nowhere.
    int parts() const;
    /// Computes the next part, and after the last one, or compute(), or an error, the first again.
    /// Between two parts other graphs of the Device may be computed; inputs are written before the
    /// first. Returns whether there is one more. Errors: Cancelled; Internal.
    Result<bool> compute_next(const std::stop_token& stop);

private:
    Graph(Device& device, std::unique_ptr<GraphBuilder::Parts> parts);

    /// All of `graph`, or its nodes one by one where the Device has a Profile.
    Result<void> compute(ggml_cgraph* graph, const std::stop_token& stop);

    Device& device_;
    std::unique_ptr<GraphBuilder::Parts> parts_;
    std::size_t next_ = 0;  // part
};

}  // namespace titans::engine
