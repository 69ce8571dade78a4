#include <gtest/gtest.h>

#include <cmath>

#include "engine/layers/graph.h"
#include "engine/layers/layers_for_test.h"

namespace titans::engine {
namespace {

class NormGraphTest : public LayersTest {};

TEST_P(NormGraphTest, NormalisesRowsAndColumns) {
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
    EXPECT_LT(relative_error((*graph)->read(by_row), rows), rounding());
    EXPECT_LT(relative_error((*graph)->read(by_column), columns), rounding());
}

TEST_P(NormGraphTest, ModulatesWhatItNormalised) {
    Layers layers(GetParam());
    const Values x = seeded(9 * 20, 4);
    const Values modulation = seeded(3 * 20, 5);
    Node in = nullptr;
    Node by = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(9, 20);
        by = g.input(1, 60);
        out = g.output(g.modulated_norm(in, g.columns(by, 40, 20), g.columns(by, 20, 20), 1e-2F));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, x);
    (*graph)->write(by, modulation);
    ASSERT_TRUE((*graph)->compute({}));
    Values wanted;
    for (std::size_t r = 0; r < 9; ++r) {
        double mean = 0;
        double square = 0;
        for (std::size_t c = 0; c < 20; ++c) mean += x[r * 20 + c] / 20.0;
        for (std::size_t c = 0; c < 20; ++c) square += std::pow(x[r * 20 + c] - mean, 2) / 20;
        for (std::size_t c = 0; c < 20; ++c) {
            const double value = (x[r * 20 + c] - mean) / std::sqrt(square + 1e-2);
            wanted.push_back(
                static_cast<float>(value * (1 + modulation[40 + c]) + modulation[20 + c]));
        }
    }
    EXPECT_LT(relative_error((*graph)->read(out), wanted), rounding());
}

TEST_P(NormGraphTest, NormalisesTheResponsesOfEachSequence) {
    constexpr std::size_t kTime = 70;
    constexpr std::size_t kWidth = 37;
    Layers layers(GetParam());
    const Values scale = layers.add("n.weight", {kWidth});
    const Values shift = layers.add("n.bias", {kWidth});
    const auto norm = layers.weights().norm("n", kWidth, 1e-6F);
    ASSERT_TRUE(norm);
    ASSERT_TRUE(layers.weights().finish());
    const Values x = seeded(2 * kTime * kWidth, 4);
    Node in = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(2 * kTime, kWidth);
        out = g.output(g.response_norm(in, *norm, 2));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, x);
    ASSERT_TRUE((*graph)->compute({}));
    Values wanted;
    for (std::size_t sequence = 0; sequence < 2; ++sequence) {
        const float* own = x.data() + sequence * kTime * kWidth;
        std::vector<double> lengths(kWidth);
        double mean = 0;
        for (std::size_t c = 0; c < kWidth; ++c) {
            for (std::size_t t = 0; t < kTime; ++t) lengths[c] += std::pow(own[t * kWidth + c], 2);
            lengths[c] = std::sqrt(lengths[c]);
            mean += lengths[c] / kWidth;
        }
        for (std::size_t t = 0; t < kTime; ++t) {
            for (std::size_t c = 0; c < kWidth; ++c) {
                const double value = own[t * kWidth + c];
                wanted.push_back(static_cast<float>(scale[c] * value * lengths[c] / (mean + 1e-6) +
                                                    shift[c] + value));
            }
        }
    }
    EXPECT_LT(relative_error((*graph)->read(out), wanted), rounding());
}

TEST_P(NormGraphTest, ScalesRows) {
    Layers layers(GetParam());
    const Values x = seeded(6 * 19, 4);
    const Values factors{1, 0, -2, 1, 0, 0.5F};
    Node in = nullptr;
    Node by = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(6, 19);
        by = g.input(6, 1);
        out = g.output(g.scale_rows(in, by));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, x);
    (*graph)->write(by, factors);
    ASSERT_TRUE((*graph)->compute({}));
    const Values got = (*graph)->read(out);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_EQ(got[i], x[i] * factors[i / 19]) << i;
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, NormGraphTest,
                         testing::Values(Where::Ours, Where::Ggml, Where::Gpu), name_of);

}  // namespace
}  // namespace titans::engine
