#include "engine/layers/graph.h"

#include <ggml.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "engine/layers/layers_for_test.h"

namespace titans::engine {
namespace {

class GraphTest : public LayersTest {};

TEST_P(GraphTest, ComputesALinearLayerWithActivationAndSum) {
    Layers layers(GetParam());
    const Values weight = layers.add("a.weight", {48, 33});
    const Values bias = layers.add("a.bias", {48});
    const auto layer = layers.weights().linear("a", 33, 48);
    ASSERT_TRUE(layer) << layer.error().message;
    ASSERT_TRUE(layers.weights().finish());
    const Values x = seeded(5 * 33, 9);
    const Values more = seeded(5 * 48, 10);
    Node in = nullptr;
    Node added = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(5, 33);
        added = g.input(5, 48);
        out = g.output(g.linear(in, *layer, {.activation = Activation::GeluErf, .add = added}));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, x);
    (*graph)->write(added, more);
    ASSERT_TRUE((*graph)->compute({}));
    Values wanted;
    for (std::size_t row = 0; row < 5; ++row) {
        for (std::size_t column = 0; column < 48; ++column) {
            double sum = bias[column];
            for (std::size_t i = 0; i < 33; ++i)
                sum += double{x[row * 33 + i]} * weight[column * 33 + i];
            sum = sum / 2 * (1 + std::erf(sum / std::sqrt(2.0)));
            wanted.push_back(static_cast<float>(sum + more[row * 48 + column]));
        }
    }
    EXPECT_LT(relative_error((*graph)->read(out), wanted), rounding());
}

TEST_P(GraphTest, ComputesAsWellWithWhatIsUsedSeldom) {
    Layers layers(GetParam());
    layers.add("a.weight", {70, 48});
    layers.add("a.bias", {70});
    Weights& often = layers.weights();
    const auto known = often.linear("a", 48, 70);
    ASSERT_TRUE(known && often.finish());
    const auto file = std::make_shared<const GgufFile>(*GgufFile::open(layers.path()));
    const Values x = seeded(5 * 48, 9);
    const auto compute = [&](const Linear& layer) {
        Node in = nullptr;
        Node out = nullptr;
        const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
            in = g.input(5, 48);
            out = g.output(g.linear(in, layer));
        });
        (*graph)->write(in, x);
        EXPECT_TRUE((*graph)->compute({}));
        return (*graph)->read(out);
    };
    for (int time = 0; time < 2; ++time) {
        Weights seldom(file, layers.device(), Precision::F32, Use::Seldom);
        const auto layer = seldom.linear("a", 48, 70);
        ASSERT_TRUE(layer && seldom.finish());
        EXPECT_LT(relative_error(compute(*layer), compute(*known)), rounding());
    }
}

TEST_P(GraphTest, TakesALayerApartByItsInputs) {
    Layers layers(GetParam());
    layers.add("a.weight", {70, 33});
    layers.add("a.bias", {70});
    Weights& weights = layers.weights();
    const auto whole = weights.linear("a", 33, 70);
    const auto first = weights.linear_columns("a", 33, 0, 10, 70, Bias::No);
    const auto second = weights.linear_columns("a", 33, 10, 23, 70, Bias::Yes);
    ASSERT_TRUE(whole && first && second);
    EXPECT_FALSE(weights.linear_columns("b", 33, 0, 10, 70, Bias::No));
    EXPECT_FALSE(weights.linear_columns("a", 32, 0, 10, 70, Bias::No));
    ASSERT_TRUE(weights.finish());
    Node in = nullptr;
    Node at_once = nullptr;
    Node in_parts = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(5, 33);
        at_once = g.output(g.linear(in, *whole));
        Node part = g.linear(g.columns(in, 0, 10), *first);
        in_parts = g.output(g.linear(g.columns(in, 10, 23), *second, {.add = part}));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, seeded(5 * 33, 9));
    ASSERT_TRUE((*graph)->compute({}));
    EXPECT_LT(relative_error((*graph)->read(in_parts), (*graph)->read(at_once)), rounding());
}

double activated(double x, Activation activation) {
    switch (activation) {
        case Activation::None:
            return x;
        case Activation::GeluErf:
            return x / 2 * (1 + std::erf(x / std::sqrt(2.0)));
        case Activation::GeluTanh:
            return x / 2 *
                   (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
        case Activation::Silu:
            return x / (1 + std::exp(-x));
        case Activation::Mish:
            return x * std::tanh(std::log1p(std::exp(x)));
    }
    std::unreachable();
}

TEST_P(GraphTest, GatesEachOutputOfALinearLayerBeforeTheSum) {
    for (const Activation activation : {Activation::None, Activation::GeluErf, Activation::GeluTanh,
                                        Activation::Silu, Activation::Mish}) {
        Layers layers(GetParam());
        const Values weight = layers.add("a.weight", {21, 33});
        const auto layer = layers.weights().linear("a", 33, 21, Bias::No);
        ASSERT_TRUE(layer) << layer.error().message;
        ASSERT_TRUE(layers.weights().finish());
        const Values x = seeded(5 * 33, 9);
        const Values more = seeded(5 * 21, 10);
        const Values gates = seeded(3 * 21, 11);
        Node in = nullptr;
        Node added = nullptr;
        Node gate = nullptr;
        Node both = nullptr;
        Node gated = nullptr;
        const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
            in = g.input(5, 33);
            added = g.input(5, 21);
            gate = g.input(1, 63);
            Node own = g.columns(gate, 21, 21);
            both = g.output(
                g.linear(in, *layer, {.activation = activation, .add = added, .gate = own}));
            gated = g.output(g.linear(in, *layer, {.activation = activation, .gate = own}));
        });
        ASSERT_TRUE(graph);
        (*graph)->write(in, x);
        (*graph)->write(added, more);
        (*graph)->write(gate, gates);
        ASSERT_TRUE((*graph)->compute({}));
        Values with_sum;
        Values without;
        for (std::size_t row = 0; row < 5; ++row) {
            for (std::size_t column = 0; column < 21; ++column) {
                double sum = 0;
                for (std::size_t i = 0; i < 33; ++i)
                    sum += double{x[row * 33 + i]} * weight[column * 33 + i];
                const double value = activated(sum, activation) * gates[21 + column];
                without.push_back(static_cast<float>(value));
                with_sum.push_back(static_cast<float>(value + more[row * 21 + column]));
            }
        }
        // ggml reads GELU from a table of halves
        const bool exact = GetParam() == Where::Ours || activation != Activation::GeluTanh;
        EXPECT_LT(relative_error((*graph)->read(both), with_sum), exact ? rounding() : 1e-3);
        EXPECT_LT(relative_error((*graph)->read(gated), without), exact ? rounding() : 1e-3);
    }
}

struct ConvolutionCase {
    Conv1dShape shape;
    std::int64_t time;
};

TEST_P(GraphTest, ComputesConvolutions) {
    for (const auto& [shape, time] : std::vector<ConvolutionCase>{
             {{.in = 1, .out = 8, .kernel = 10, .stride = 5}, 200},
             {{.in = 8, .out = 12, .kernel = 3, .stride = 2}, 41},
             {{.in = 8, .out = 12, .kernel = 3, .stride = 1, .pad_left = 1, .pad_right = 1}, 30},
             {{.in = 8, .out = 12, .kernel = 3, .stride = 2, .pad_left = 1, .pad_right = 1}, 30},
             {{.in = 6, .out = 6, .kernel = 5, .dilation = 3, .pad_left = 6, .pad_right = 6}, 40},
             {{.in = 8, .out = 8, .kernel = 16, .groups = 4, .pad_left = 8, .pad_right = 7}, 37},
             {{.in = 8, .out = 16, .kernel = 7, .groups = 8, .pad_left = 3, .pad_right = 3}, 20},
             {{.in = 8, .out = 5, .kernel = 1}, 9}}) {
        Layers layers(GetParam());
        const auto width = shape.in / shape.groups;
        const Values weight = layers.add("c.weight", {shape.out, width, shape.kernel});
        const Values bias = layers.add("c.bias", {shape.out});
        const auto layer = layers.weights().conv1d("c", shape, Bias::Yes);
        ASSERT_TRUE(layer) << layer.error().message;
        ASSERT_TRUE(layers.weights().finish());
        const Values x = seeded(static_cast<std::size_t>(time * shape.in), 9);
        Node in = nullptr;
        Node out = nullptr;
        const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
            in = g.input(time, shape.in);
            out = g.output(g.conv1d(in, *layer, Activation::GeluErf));
        });
        ASSERT_TRUE(graph);
        (*graph)->write(in, x);
        ASSERT_TRUE((*graph)->compute({}));
        const std::int64_t length =
            (time + shape.pad_left + shape.pad_right - shape.dilation * (shape.kernel - 1) - 1) /
                shape.stride +
            1;
        Values wanted;
        for (std::int64_t t = 0; t < length; ++t) {
            for (std::int64_t o = 0; o < shape.out; ++o) {
                const std::int64_t group = o / (shape.out / shape.groups);
                double sum = bias[static_cast<std::size_t>(o)];
                for (int k = 0; k < shape.kernel; ++k) {
                    const std::int64_t at = t * shape.stride + k * shape.dilation - shape.pad_left;
                    if (at < 0 || at >= time) continue;
                    for (std::int64_t i = 0; i < width; ++i) {
                        sum +=
                            double{x[static_cast<std::size_t>(at * shape.in + group * width + i)]} *
                            weight[static_cast<std::size_t>((o * width + i) * shape.kernel + k)];
                    }
                }
                wanted.push_back(
                    static_cast<float>(sum / 2 * (1 + std::erf(sum / std::sqrt(2.0)))));
            }
        }
        EXPECT_LT(relative_error((*graph)->read(out), wanted), rounding())
            << shape.in << ' ' << shape.out << ' ' << shape.kernel << ' ' << shape.stride << ' '
            << shape.groups;
    }
}

TEST_P(GraphTest, ConvolvesEachSequenceByItself) {
    for (const auto& [shape, time] : std::vector<ConvolutionCase>{
             {{.in = 8, .out = 8, .kernel = 9, .groups = 4, .pad_left = 4, .pad_right = 4}, 11},
             {{.in = 8, .out = 8, .kernel = 7, .groups = 8, .pad_left = 3, .pad_right = 3}, 5},
             {{.in = 6, .out = 5, .kernel = 3, .stride = 2}, 9}}) {
        Layers layers(GetParam());
        layers.add("c.weight", {shape.out, shape.in / shape.groups, shape.kernel});
        layers.add("c.bias", {shape.out});
        const auto layer = layers.weights().conv1d("c", shape, Bias::Yes);
        ASSERT_TRUE(layer) << layer.error().message;
        ASSERT_TRUE(layers.weights().finish());
        Node in = nullptr;
        Node together = nullptr;
        std::array<Node, 3> alone{};
        const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
            in = g.input(3 * time, shape.in);
            together =
                g.output(g.conv1d(in, *layer, {.activation = Activation::Mish, .sequences = 3}));
            for (std::size_t i = 0; i < 3; ++i) {
                Node own = g.rows(in, static_cast<std::int64_t>(i) * time, time);
                alone[i] = g.output(g.conv1d(own, *layer, Activation::Mish));
            }
        });
        ASSERT_TRUE(graph);
        (*graph)->write(in, seeded(static_cast<std::size_t>(3 * time * shape.in), 4));
        ASSERT_TRUE((*graph)->compute({}));
        Values wanted;
        for (Node node : alone) {
            const Values own = (*graph)->read(node);
            wanted.insert(wanted.end(), own.begin(), own.end());
        }
        EXPECT_LT(relative_error((*graph)->read(together), wanted), rounding() / 10)
            << shape.kernel;
    }
}

TEST_P(GraphTest, RefusesTooLittleForAConvolution) {
    Layers layers(GetParam());
    layers.add("c.weight", {4, 4, 5});
    const auto layer = layers.weights().conv1d("c", {.in = 4, .out = 4, .kernel = 5}, Bias::No);
    ASSERT_TRUE(layer && layers.weights().finish());
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        g.output(g.conv1d(g.conv1d(g.input(4, 4), *layer), *layer));
    });
    ASSERT_FALSE(graph);
    EXPECT_EQ(graph.error().kind, ErrorKind::InvalidInput);
}

/// softmax(q k^T / sqrt(d)) v of one head; key j is seen by query i if sees(i, j).
Values attention(const Values& q, const Values& k, const Values& v, std::size_t width, int heads,
                 std::size_t queries, std::size_t keys, auto sees) {
    const std::size_t size = width / static_cast<std::size_t>(heads);
    Values out(queries * width);
    for (std::size_t head = 0; head < static_cast<std::size_t>(heads); ++head) {
        for (std::size_t i = 0; i < queries; ++i) {
            std::vector<double> scores(keys);
            double total = 0;
            for (std::size_t j = 0; j < keys; ++j) {
                double score = 0;
                for (std::size_t d = 0; d < size; ++d)
                    score +=
                        double{q[i * width + head * size + d]} * k[j * width + head * size + d];
                scores[j] = sees(i, j) ? std::exp(score / std::sqrt(double(size))) : 0;
                total += scores[j];
            }
            for (std::size_t d = 0; d < size; ++d) {
                double sum = 0;
                for (std::size_t j = 0; j < keys; ++j)
                    sum += scores[j] / total * v[j * width + head * size + d];
                out[i * width + head * size + d] = static_cast<float>(sum);
            }
        }
    }
    return out;
}

TEST_P(GraphTest, AttendsFromColumnsOfAWiderValue) {
    Layers layers(GetParam());
    const Values x = seeded(19 * 48, 1);  // q, k, v of width 16 side by side
    Node in = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(19, 48);
        out = g.output(g.attention(g.columns(in, 0, 16), g.columns(in, 16, 16),
                                   g.columns(in, 32, 16), {.heads = 2}));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, x);
    ASSERT_TRUE((*graph)->compute({}));
    Values q;
    Values k;
    Values v;
    for (std::size_t row = 0; row < 19; ++row) {
        const auto* at = x.data() + row * 48;
        q.insert(q.end(), at, at + 16);
        k.insert(k.end(), at + 16, at + 32);
        v.insert(v.end(), at + 32, at + 48);
    }
    const Values wanted =
        attention(q, k, v, 16, 2, 19, 19, [](std::size_t, std::size_t) { return true; });
    EXPECT_LT(relative_error((*graph)->read(out), wanted), rounding());
}

TEST_P(GraphTest, TurnsQueriesAndKeysByTheirPositionsInEachSequence) {
    constexpr std::size_t kLength = 40;
    constexpr std::size_t kWidth = 24;  // of three heads
    constexpr std::size_t kHead = 8;
    for (const std::size_t rotated : {1UZ, 3UZ}) {
        Layers layers(GetParam());
        const Values q = seeded(2 * kLength * kWidth, 1);
        const Values k = seeded(2 * kLength * kWidth, 2);
        const Values v = seeded(2 * kLength * kWidth, 3);
        std::array<Node, 3> in{};
        Node out = nullptr;
        const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
            for (Node& node : in) node = g.input(2 * kLength, kWidth);
            out = g.output(g.attention(
                in[0], in[1], in[2],
                {.heads = 3, .sequences = 2, .rotated_heads = static_cast<int>(rotated)}));
        });
        ASSERT_TRUE(graph);
        (*graph)->write(in[0], q);
        (*graph)->write(in[1], k);
        (*graph)->write(in[2], v);
        ASSERT_TRUE((*graph)->compute({}));
        const auto turned = [&](const Values& all, std::size_t sequence) {
            Values part(kLength * kWidth);
            for (std::size_t row = 0; row < kLength; ++row) {
                for (std::size_t i = 0; i < kWidth; i += 2) {
                    const std::size_t at = (sequence * kLength + row) * kWidth + i;
                    const double exponent = static_cast<double>(i % kHead) / kHead;
                    const double angle = i / kHead < rotated
                                             ? static_cast<double>(row) / std::pow(10'000, exponent)
                                             : 0;
                    part[row * kWidth + i] = static_cast<float>(all[at] * std::cos(angle) -
                                                                all[at + 1] * std::sin(angle));
                    part[row * kWidth + i + 1] = static_cast<float>(all[at + 1] * std::cos(angle) +
                                                                    all[at] * std::sin(angle));
                }
            }
            return part;
        };
        Values wanted;
        for (std::size_t sequence = 0; sequence < 2; ++sequence) {
            const auto first = v.begin() + static_cast<std::ptrdiff_t>(sequence * kLength * kWidth);
            const Values own = attention(
                turned(q, sequence), turned(k, sequence), Values(first, first + kLength * kWidth),
                kWidth, 3, kLength, kLength, [](std::size_t, std::size_t) { return true; });
            wanted.insert(wanted.end(), own.begin(), own.end());
        }
        EXPECT_LT(relative_error((*graph)->read(out), wanted), rounding()) << rotated;
    }
}

TEST_P(GraphTest, AttendsInSequencesOfDifferentLengths) {
    Layers layers(GetParam());
    constexpr std::size_t kLength = 7;
    const std::vector<std::int32_t> lengths{7, 3};
    const Values q = seeded(2 * kLength * 16, 1);
    const Values k = seeded(2 * kLength * 16, 2);
    const Values v = seeded(2 * kLength * 16, 3);
    std::array<Node, 3> in{};
    Node length = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        for (Node& node : in) node = g.input(2 * kLength, 16);
        length = g.integer_input(2);
        out = g.output(
            g.attention(in[0], in[1], in[2], {.heads = 4, .sequences = 2, .lengths = length}));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in[0], q);
    (*graph)->write(in[1], k);
    (*graph)->write(in[2], v);
    (*graph)->write(length, lengths);
    ASSERT_TRUE((*graph)->compute({}));
    const auto half = [](const Values& all, std::size_t which) {
        const auto first = all.begin() + static_cast<std::ptrdiff_t>(which * kLength * 16);
        return Values(first, first + kLength * 16);
    };
    const Values got = (*graph)->read(out);
    for (std::size_t i = 0; i < 2; ++i) {
        const Values wanted = attention(half(q, i), half(k, i), half(v, i), 16, 4, kLength, kLength,
                                        [&](std::size_t, std::size_t key) {
                                            return key < static_cast<std::size_t>(lengths[i]);
                                        });
        EXPECT_LT(relative_error(half(got, i), wanted), rounding());
    }
}

TEST_P(GraphTest, AttendsToACacheAsToEverythingAtOnce) {
    Layers layers(GetParam());
    constexpr std::size_t kLength = 6;
    const Values q = seeded(kLength * 16, 1);
    const Values k = seeded(kLength * 16, 2);
    const Values v = seeded(kLength * 16, 3);
    const auto cache =
        KvCache::open(layers.device(), {.layers = 1, .sequences = 2, .capacity = 10, .width = 16});
    ASSERT_TRUE(cache);
    const Values wanted =
        attention(q, k, v, 16, 2, kLength, kLength,
                  [](std::size_t query, std::size_t key) { return key <= query; });
    // The first four at once, then one by one, each in both sequences alike.
    std::size_t done = 0;
    for (const std::size_t count : {4UZ, 1UZ, 1UZ}) {
        std::array<Node, 3> in{};
        Node position = nullptr;
        Node out = nullptr;
        const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
            for (Node& node : in) node = g.input(static_cast<std::int64_t>(2 * count), 16);
            position = g.integer_input(1);
            out = g.output(g.cached_attention(in[0], in[1], in[2], **cache, 0, position, 2));
        });
        ASSERT_TRUE(graph);
        const auto twice = [&](const Values& all) {
            const auto first = all.begin() + static_cast<std::ptrdiff_t>(done * 16);
            Values part(first, first + static_cast<std::ptrdiff_t>(count * 16));
            part.insert(part.end(), first, first + static_cast<std::ptrdiff_t>(count * 16));
            return part;
        };
        (*graph)->write(in[0], twice(q));
        (*graph)->write(in[1], twice(k));
        (*graph)->write(in[2], twice(v));
        const auto past = static_cast<std::int32_t>(done);
        (*graph)->write(position, std::span(&past, 1));
        ASSERT_TRUE((*graph)->compute({}));
        EXPECT_LT(relative_error((*graph)->read(out), twice(wanted)), rounding()) << done;
        done += count;
    }
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, GraphTest,
                         testing::Values(Where::Ours, Where::Ggml, Where::Gpu), name_of);

}  // namespace
}  // namespace titans::engine
