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
    void expect_alike(std::span<const Input> inputs, const Draw& draw, const std::string& what,
                      const std::vector<std::int32_t>& lengths = {}) {
        Layers ours(Device::Arithmetic::Ours, GetParam().precision, GetParam().threads);
        Layers others(Device::Arithmetic::Ggml);
        std::array<Values, 2> answers;
        for (auto [layers, answer] : {std::pair(&ours, &answers[0]), {&others, &answers[1]}}) {
            const auto drawn = draw(*layers);
            std::vector<Node> nodes;
            Node out = nullptr;
            const auto graph = Graph::build(layers->device(), [&](GraphBuilder& g) {
                for (const Input& input : inputs) nodes.push_back(g.input(input.rows, input.width));
                if (!lengths.empty())
                    nodes.push_back(g.integer_input(static_cast<std::int64_t>(lengths.size())));
                out = g.output(drawn(g, nodes));
            });
            ASSERT_TRUE(graph);
            for (std::size_t i = 0; i < inputs.size(); ++i) {
                const auto count = static_cast<std::size_t>(inputs[i].rows * inputs[i].width);
                (*graph)->write(nodes[i], seeded(count, static_cast<unsigned>(100 + i)));
            }
            if (!lengths.empty()) (*graph)->write(nodes.back(), lengths);
            // Twice: what the first run leaves behind must not matter.
            ASSERT_TRUE((*graph)->compute({}));
            ASSERT_TRUE((*graph)->compute({}));
            *answer = (*graph)->read(out);
        }
        EXPECT_LT(relative_error(answers[0], answers[1]), tolerance()) << what;
    }

    std::vector<std::unique_ptr<KvCache>> caches_;
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
                                                                                {1500, 512, 96},
                                                                                {1200, 20, 1008},
                                                                                {1200, 20, 1010}}) {
        const std::array inputs{Input{rows, in}, Input{rows, out}, Input{1, out}};
        const auto draw = [&](Layers& layers) {
            layers.add("a.weight", {out, in});
            layers.add("a.bias", {out});
            const auto layer = layers.weights().linear("a", in, out);
            EXPECT_TRUE(layer && layers.weights().finish());
            return [layer](GraphBuilder& g, std::span<const Node> x) {
                return g.linear(x[0], *layer,
                                {.activation = Activation::GeluErf, .add = x[1], .gate = x[2]});
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

TEST_P(KernelsTest, ConvolvesAtAnySize) {
    for (const auto& [shape, time] : std::vector<std::pair<Conv1dShape, std::int64_t>>{
             {{.in = 1, .out = 512, .kernel = 10, .stride = 5}, 2003},
             {{.in = 96, .out = 128, .kernel = 3, .stride = 2}, 401},
             {{.in = 64, .out = 70, .kernel = 2, .stride = 2}, 37},
             {{.in = 80, .out = 192, .kernel = 3, .pad_left = 1, .pad_right = 1}, 300},
             {{.in = 96, .out = 96, .kernel = 3, .stride = 2, .pad_left = 1, .pad_right = 1}, 300},
             {{.in = 256, .out = 256, .kernel = 128, .groups = 4, .pad_left = 64, .pad_right = 63},
              150},
             {{.in = 128, .out = 128, .kernel = 31, .groups = 16, .pad_left = 15, .pad_right = 15},
              70},
             {{.in = 15, .out = 9, .kernel = 5, .dilation = 3, .groups = 3, .pad_left = 6}, 41},
             {{.in = 33, .out = 65, .kernel = 7, .dilation = 2, .pad_left = 6, .pad_right = 6}, 5},
             {{.in = 600, .out = 77, .kernel = 3, .pad_right = 2}, 1},
             {{.in = 1, .out = 16, .kernel = 4, .stride = 2}, 90},
             {{.in = 70, .out = 70, .kernel = 7, .groups = 70, .pad_left = 3, .pad_right = 3}, 2},
             {{.in = 70,
               .out = 70,
               .kernel = 5,
               .stride = 2,
               .dilation = 3,
               .groups = 70,
               .pad_left = 6,
               .pad_right = 6},
              50}}) {
        for (const auto& [sequences, from_columns] :
             {std::pair(1, false), std::pair(1, true), std::pair(3, false)}) {
            const std::array inputs{
                Input{sequences * time, from_columns ? shape.in + 7 : shape.in}};
            const auto draw = [&](Layers& layers) {
                layers.add("c.weight", {shape.out, shape.in / shape.groups, shape.kernel});
                layers.add("c.bias", {shape.out});
                const auto layer = layers.weights().conv1d("c", shape, Bias::Yes);
                EXPECT_TRUE(layer && layers.weights().finish());
                return [=](GraphBuilder& g, std::span<const Node> x) {
                    return g.conv1d(from_columns ? g.columns(x[0], 4, shape.in) : x[0], *layer,
                                    {.activation = Activation::Mish, .sequences = sequences});
                };
            };
            expect_alike(inputs, draw,
                         std::format("{}-{} k{} s{} d{} g{}", shape.in, shape.out, shape.kernel,
                                     shape.stride, shape.dilation, shape.groups));
        }
    }
}

TEST_P(KernelsTest, AttendsAtAnySize) {
    struct Attention {
        AttentionOptions options;
        std::int64_t queries, keys, width;
        std::vector<std::int32_t> lengths;
    };
    for (const auto& [options, queries, keys, width, lengths] : std::vector<Attention>{
             {{.heads = 4}, 1, 1, 256, {}},
             {{.heads = 8}, 1, 1500, 512, {}},
             {{.heads = 5}, 13, 13, 5 * 64, {}},
             {{.heads = 2}, 64, 257, 2 * 33, {}},
             {{.heads = 3}, 131, 511, 3 * 80, {}},
             {{.heads = 2}, 300, 300, 128, {}},
             {{.heads = 1, .causal = true}, 70, 70, 64, {}},
             {{.heads = 1, .causal = true}, 300, 320, 64, {}},
             {{.heads = 1, .causal = true}, 5, 9, 64, {}},
             {{.heads = 2, .sequences = 3}, 40, 40, 64, {40, 1, 17}},
             {{.heads = 2, .sequences = 2, .causal = true}, 300, 300, 64, {300, 257}},
             {{.heads = 2, .sequences = 2}, 3, 20, 64, {20, 6}},
             {{.heads = 3, .rotated_heads = 3}, 3, 3, 3 * 64, {}},
             {{.heads = 18, .sequences = 2, .rotated_heads = 18}, 70, 70, 18 * 16, {70, 33}},
             {{.heads = 3, .sequences = 2, .rotated_heads = 3}, 150, 150, 3 * 64, {}},
             {{.heads = 3, .sequences = 2, .rotated_heads = 1}, 131, 131, 3 * 26, {131, 90}}}) {
        const std::array inputs{Input{options.sequences * queries, width + 3},
                                Input{options.sequences * keys, 2 * width}};
        const auto draw = [&](Layers&) {
            return
                [=, precision = GetParam().precision](GraphBuilder& g, std::span<const Node> in) {
                    AttentionOptions chosen = options;
                    chosen.precision = precision;
                    if (in.size() == 3) chosen.lengths = in[2];
                    return g.attention(g.columns(in[0], 2, width), g.columns(in[1], 0, width),
                                       g.columns(in[1], width, width), chosen);
                };
        };
        expect_alike(inputs, draw, std::format("{} {} {}", queries, keys, width), lengths);
    }
}

TEST_P(KernelsTest, AttendsAsExactlyAsTheLinearLayersBefore) {
    Layers layers(Device::Arithmetic::Ours, GetParam().precision, GetParam().threads);
    layers.add("a.weight", {64, 64});
    const auto layer = layers.weights().linear("a", 64, 64, Bias::No);
    ASSERT_TRUE(layer && layers.weights().finish());
    Node in = nullptr;
    Node implied = nullptr;
    Node chosen = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(40, 64);
        const Node x = g.linear(in, *layer);
        implied = g.output(g.attention(x, x, x, {.heads = 2}));
        chosen = g.output(g.attention(x, x, x, {.heads = 2, .precision = GetParam().precision}));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, seeded(40 * 64, 3));
    ASSERT_TRUE((*graph)->compute({}));
    EXPECT_EQ((*graph)->read(implied), (*graph)->read(chosen));
}

TEST_P(KernelsTest, AttendsToKeysThatAllSequencesShare) {
    for (const std::int64_t queries : {1, 9}) {
        const std::array inputs{Input{5 * queries, 64}, Input{21, 64}, Input{21, 64}};
        const auto draw = [&](Layers& layers) {
            return [&, precision = GetParam().precision](GraphBuilder& g,
                                                         std::span<const Node> in) {
                // By way of what a decoder keeps.
                auto cache = KvCache::open(
                    layers.device(),
                    {.layers = 1, .capacity = 21, .width = 64, .precision = precision});
                EXPECT_TRUE(cache);
                g.keep(in[1], (*cache)->keys(0));
                g.keep(in[2], (*cache)->values(0));
                const Node out = g.attention(in[0], (*cache)->keys(0), (*cache)->values(0),
                                             {.heads = 4, .sequences = 5, .precision = precision});
                caches_.push_back(std::move(*cache));
                return out;
            };
        };
        expect_alike(inputs, draw, std::format("{}", queries));
    }
}

TEST_P(KernelsTest, AttendsBehindWhatIsCached) {
    for (const std::int64_t queries : {1, 6}) {
        const std::array inputs{Input{2 * queries, 3 * 64}};
        const auto draw = [&](Layers& layers) {
            return [&, precision = GetParam().precision](GraphBuilder& g,
                                                         std::span<const Node> in) {
                auto cache = KvCache::open(layers.device(), {.layers = 1,
                                                             .sequences = 2,
                                                             .capacity = 11,
                                                             .width = 64,
                                                             .precision = precision});
                EXPECT_TRUE(cache);
                caches_.push_back(std::move(*cache));
                return g.cached_attention(g.columns(in[0], 0, 64), g.columns(in[0], 64, 64),
                                          g.columns(in[0], 128, 64), *caches_.back(), 0, in[1], 2);
            };
        };
        expect_alike(inputs, draw, std::format("{}", queries), {5});
    }
}

TEST_P(KernelsTest, NormalisesAtAnySize) {
    for (const auto& [rows, width] : std::vector<std::pair<std::int64_t, std::int64_t>>{
             {1, 512}, {7, 1}, {3, 17}, {700, 130}, {513, 64}}) {
        const std::array inputs{Input{rows, width}};
        for (const bool by_row : {true, false}) {
            if (!by_row && rows == 1) continue;  // a column's only number is its mean
            const auto draw = [&](Layers& layers) {
                layers.add("n.weight", {width});
                layers.add("n.bias", {width});
                const auto layer = layers.weights().norm("n", width, 1e-5F);
                EXPECT_TRUE(layer && layers.weights().finish());
                return [=](GraphBuilder& g, std::span<const Node> x) {
                    return by_row ? g.layer_norm(x[0], *layer, Activation::GeluErf)
                                  : g.time_norm(x[0], *layer, Activation::GeluErf);
                };
            };
            expect_alike(inputs, draw, std::format("{} {}", rows, width));
        }
    }
}

TEST_P(KernelsTest, ModulatesAndScalesAtAnySize) {
    for (const auto& [rows, width] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 512}, {3, 17}, {700, 130}}) {
        const std::array inputs{Input{rows, width}, Input{1, 2 * width}, Input{rows, 1}};
        const auto draw = [&](Layers&) {
            return [=](GraphBuilder& g, std::span<const Node> x) {
                return g.scale_rows(g.modulated_norm(x[0], g.columns(x[1], 0, width),
                                                     g.columns(x[1], width, width), 1e-6F),
                                    x[2]);
            };
        };
        expect_alike(inputs, draw, std::format("{} {}", rows, width));
    }
}

TEST_P(KernelsTest, NormalisesResponsesAtAnySize) {
    for (const auto& [time, width] :
         std::vector<std::pair<std::int64_t, std::int64_t>>{{1, 64}, {333, 1024}, {65, 17}}) {
        const std::array inputs{Input{2 * time, width}};
        const auto draw = [&](Layers& layers) {
            layers.add("n.weight", {width});
            layers.add("n.bias", {width});
            const auto layer = layers.weights().norm("n", width, 1e-6F);
            EXPECT_TRUE(layer && layers.weights().finish());
            return [=](GraphBuilder& g, std::span<const Node> x) {
                return g.response_norm(x[0], *layer, 2);
            };
        };
        expect_alike(inputs, draw, std::format("{} {}", time, width));
    }
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
