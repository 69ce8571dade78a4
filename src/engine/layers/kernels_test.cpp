#include <array>

#include "engine/layers/layers_for_test.h"

namespace titans::engine {
namespace {

struct Case {
    Precision precision;
    int threads;
};

/// Our kernels at the sizes of real networks and at odd ones, in every precision and with several
/// threads, against ggml's operators in F32.
class KernelsTest : public testing::TestWithParam<Case> {
protected:
    /// Of one layer; the numbers are random.
    double tolerance() const {
        switch (GetParam().precision) {
            case Precision::F32:
                return 1e-5;
            case Precision::Bf16:  // 8 bits, rounded
                return 5e-3;
            case Precision::Int8:  // 7 bits of the largest of a row
                return 2e-2;
        }
        std::unreachable();
    }

    /// What `draw`, given each arithmetic's layers in turn, makes of `inputs`.
    using Draw = std::function<std::function<Node(GraphBuilder&, std::span<const Node>)>(Layers&)>;
    struct Input {
        std::int64_t rows;
        std::int64_t width;
    };
    void expect_alike(std::span<const Input> inputs, const Draw& draw, const std::string& what) {
        Layers ours(Device::Arithmetic::Ours, GetParam().precision, GetParam().threads);
        Layers others(Device::Arithmetic::Ggml);
        std::array<Values, 2> answers;
        for (auto [layers, answer] : {std::pair(&ours, &answers[0]), {&others, &answers[1]}}) {
            const auto drawn = draw(*layers);
            std::vector<Node> nodes;
            Node out = nullptr;
            const auto graph = Graph::build(layers->device(), [&](GraphBuilder& g) {
                for (const Input& input : inputs) nodes.push_back(g.input(input.rows, input.width));
                out = g.output(drawn(g, nodes));
            });
            ASSERT_TRUE(graph);
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                const auto count = static_cast<std::size_t>(inputs[i].rows * inputs[i].width);
                (*graph)->write(nodes[i], seeded(count, static_cast<unsigned>(100 + i)));
            }
            // Twice: what the first run leaves behind must not matter.
            ASSERT_TRUE((*graph)->compute({}));
            ASSERT_TRUE((*graph)->compute({}));
            *answer = (*graph)->read(out);
        }
        EXPECT_LT(relative_error(answers[0], answers[1]), tolerance()) << what;
    }
};

TEST_P(KernelsTest, ComputesLinearLayersOfAnySize) {
    for (const auto& [rows, in, out] : std::vector<std::array<std::int64_t, 3>>{{1, 512, 2048},
                                                                                {1, 7, 3},
                                                                                {2, 64, 129},
                                                                                {3, 1030, 64},
                                                                                {5, 31, 61},
                                                                                {63, 100, 100},
                                                                                {64, 64, 64},
                                                                                {97, 37, 71},
                                                                                {131, 384, 48},
                                                                                {257, 2100, 65},
                                                                                {1500, 512, 96}}) {
        const std::array inputs{Input{rows, in}, Input{rows, out}};
        const auto draw = [&](Layers& layers) {
            layers.add("a.weight", {out, in});
            layers.add("a.bias", {out});
            const auto layer = layers.weights().linear("a", in, out);
            EXPECT_TRUE(layer && layers.weights().finish());
            return [layer](GraphBuilder& g, std::span<const Node> x) {
                return g.linear(x[0], *layer, {.activation = Activation::GeluErf, .add = x[1]});
            };
        };
        expect_alike(inputs, draw, std::format("{} {} {}", rows, in, out));
    }
}

TEST_P(KernelsTest, ReadsColumnsInPlace) {
    for (const std::int64_t rows : {1, 70, 200}) {
        const std::array inputs{Input{rows, 100}};
        const auto draw = [&](Layers& layers) {
            layers.add("a.weight", {40, 33});
            const auto layer = layers.weights().linear("a", 33, 40, Bias::No);
            EXPECT_TRUE(layer && layers.weights().finish());
            return [layer](GraphBuilder& g, std::span<const Node> x) {
                return g.linear(g.columns(x[0], 5, 33), *layer, {.add = g.columns(x[0], 60, 40)});
            };
        };
        expect_alike(inputs, draw, std::format("{}", rows));
    }
}

TEST_P(KernelsTest, JoinsLinearLayers) {
    const std::array inputs{Input{19, 24}};
    const auto draw = [&](Layers& layers) {
        for (const char* name : {"q", "k", "v"})
            layers.add(name + std::string(".weight"), {40, 24});
        layers.add("q.bias", {40});
        layers.add("v.bias", {40});
        const auto layer = layers.weights().joined_linear({"q", "k", "v"}, 24, 40,
                                                          {Bias::Yes, Bias::No, Bias::Yes});
        EXPECT_TRUE(layer && layers.weights().finish());
        return [layer](GraphBuilder& g, std::span<const Node> x) { return g.linear(x[0], *layer); };
    };
    expect_alike(inputs, draw, "joined");
}

std::vector<Case> cases() {
    std::vector<Case> all;
    for (const Precision precision : {Precision::F32, Precision::Bf16, Precision::Int8}) {
        // A processor without such numbers computes in another precision: nothing new to test.
        if (computed_precision(precision) != precision) continue;
        for (const int threads : {1, 2, 3}) all.push_back({precision, threads});
    }
    return all;
}

INSTANTIATE_TEST_SUITE_P(Precisions, KernelsTest, testing::ValuesIn(cases()), [](const auto& info) {
    const char* name = info.param.precision == Precision::F32    ? "F32"
                       : info.param.precision == Precision::Bf16 ? "Bf16"
                                                                 : "Int8";
    return std::format("{}On{}", name, info.param.threads);
});

}  // namespace
}  // namespace titans::engine
