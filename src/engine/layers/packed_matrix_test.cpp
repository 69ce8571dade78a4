#include "engine/layers/packed_matrix.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "engine/layers/layers_for_test.h"

namespace titans::engine {
namespace {

TEST(InPlaceKernelsTest, ReadsWeightsWhereTheyAre) {
    struct Product {
        std::int64_t rows, in, out;
        std::size_t row = 0;      // numbers from one output to the next
        std::int64_t joined = 1;  // matrices
    };
    for (const auto& [rows, in, out, row, joined] : std::vector<Product>{{1, 512, 130},
                                                                         {7, 33, 3},
                                                                         {8, 64, 129},
                                                                         {15, 1030, 64},
                                                                         {64, 40, 61, 45},
                                                                         {65, 48, 128, 0, 3},
                                                                         {97, 37, 71},
                                                                         {131, 384, 48},
                                                                         {257, 2100, 65}}) {
        const std::size_t step = row == 0 ? static_cast<std::size_t>(in) : row;
        const Values x = seeded(static_cast<std::size_t>(rows * in), 1);
        std::vector<Values> weights;
        std::vector<PackedMatrix::Source> sources;
        for (std::int64_t i = 0; i < joined; ++i)
            weights.push_back(
                seeded(static_cast<std::size_t>(out - 1) * step + static_cast<std::size_t>(in),
                       static_cast<unsigned>(2 + i)));
        for (const Values& values : weights)
            sources.push_back({.bytes = std::as_bytes(std::span(values)), .row = row});
        PackedMatrix matrix({.out = joined * out, .in = in}, sources);
        ASSERT_TRUE(matrix.read_in_place());
        EXPECT_EQ(matrix.bytes(), 0);
        const Linear layer{.in = in, .out = joined * out, .packed = &matrix};
        Values wanted;
        for (std::int64_t r = 0; r < rows; ++r) {
            for (std::int64_t o = 0; o < joined * out; ++o) {
                const float* weight = weights[static_cast<std::size_t>(o / out)].data() +
                                      static_cast<std::size_t>(o % out) * step;
                const double sum = std::inner_product(weight, weight + in, x.data() + r * in, 0.0);
                wanted.push_back(static_cast<float>(sum / (1 + std::exp(-sum))));
            }
        }
        for (const int threads : {1, 2, 3}) {
            Layers layers(Device::Arithmetic::Ours, Precision::F32, threads);
            Node input = nullptr;
            Node output = nullptr;
            const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
                input = g.input(rows, in);
                output = g.output(g.linear(input, layer, {.activation = Activation::Silu}));
            });
            ASSERT_TRUE(graph);
            (*graph)->write(input, x);
            ASSERT_TRUE((*graph)->compute({}));
            EXPECT_LT(relative_error((*graph)->read(output), wanted), 1e-5) << rows << ' ' << in;
        }
    }
}

TEST(InPlaceKernelsTest, CopiesWeightsThatAreNotAsTheKernelsNeedThem) {
    const Values values = seeded(2 * 40 * 16, 1);
    const auto bytes = std::as_bytes(std::span(values));
    const PackedMatrix::Source half{.bytes = bytes.first(bytes.size() / 2)};
    // Two of 40 outputs: the second would begin within a panel.
    EXPECT_FALSE(PackedMatrix({.out = 80, .in = 16}, {half, half}).read_in_place());
    EXPECT_TRUE(PackedMatrix({.out = 80, .in = 16}, {{.bytes = bytes}}).read_in_place());
    EXPECT_FALSE(
        PackedMatrix({.out = 40, .in = 16, .taps = 2}, {{.bytes = bytes}}).read_in_place());
    EXPECT_FALSE(
        PackedMatrix({.out = 160, .in = 16}, {{.type = GgufFile::Type::Bf16, .bytes = bytes}})
            .read_in_place());
    EXPECT_FALSE(
        PackedMatrix({.out = 80, .in = 16, .precision = Precision::Bf16}, {{.bytes = bytes}})
            .read_in_place());
}

}  // namespace
}  // namespace titans::engine
