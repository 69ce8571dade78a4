#include "engine/layers/graph.h"

#include <ggml.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "engine/layers/layers_for_test.h"

namespace titans::engine {
namespace {

class GraphTest : public testing::TestWithParam<Device::Arithmetic> {};

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
    EXPECT_LT(relative_error((*graph)->read(out), wanted), 1e-5);
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
        EXPECT_LT(relative_error((*graph)->read(out), wanted), 1e-5)
            << shape.in << ' ' << shape.out << ' ' << shape.kernel << ' ' << shape.stride << ' '
            << shape.groups;
    }
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
    EXPECT_LT(relative_error((*graph)->read(out), wanted), 1e-5);
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
        EXPECT_LT(relative_error(half(got, i), wanted), 1e-5);
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
        EXPECT_LT(relative_error((*graph)->read(out), twice(wanted)), 1e-5) << done;
        done += count;
    }
}

TEST_P(GraphTest, NormalisesRowsAndColumns) {
    Layers layers(GetParam());
    const Values scale = layers.add("n.weight", {12});
    const Values shift = layers.add("n.bias", {12});
    const auto norm = layers.weights().norm("n", 12, 1e-5F);
    ASSERT_TRUE(norm);
    ASSERT_TRUE(layers.weights().finish());
    const Values x = seeded(9 * 12, 4);
    Node in = nullptr;
    Node by_row = nullptr;
    Node by_column = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(9, 12);
        by_row = g.output(g.layer_norm(in, *norm));
        by_column = g.output(g.time_norm(in, *norm));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, x);
    ASSERT_TRUE((*graph)->compute({}));
    const auto normalised = [&](std::size_t count, auto at) {
        double mean = 0;
        double square = 0;
        for (std::size_t i = 0; i < count; ++i) mean += at(i) / double(count);
        for (std::size_t i = 0; i < count; ++i) square += std::pow(at(i) - mean, 2) / double(count);
        return [=](double value) { return (value - mean) / std::sqrt(square + 1e-5); };
    };
    Values rows;
    Values columns;
    for (std::size_t r = 0; r < 9; ++r) {
        for (std::size_t c = 0; c < 12; ++c) {
            const auto of_row =
                normalised(12, [&](std::size_t i) { return double{x[r * 12 + i]}; });
            const auto of_column =
                normalised(9, [&](std::size_t i) { return double{x[i * 12 + c]}; });
            const double value = x[r * 12 + c];
            rows.push_back(static_cast<float>(of_row(value) * scale[c] + shift[c]));
            columns.push_back(static_cast<float>(of_column(value) * scale[c] + shift[c]));
        }
    }
    EXPECT_LT(relative_error((*graph)->read(by_row), rows), 1e-5);
    EXPECT_LT(relative_error((*graph)->read(by_column), columns), 1e-5);
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, GraphTest,
                         testing::Values(Device::Arithmetic::Ours, Device::Arithmetic::Ggml),
                         [](const auto& info) {
                             return info.param == Device::Arithmetic::Ours ? "Ours" : "Ggml";
                         });

}  // namespace
}  // namespace titans::engine
