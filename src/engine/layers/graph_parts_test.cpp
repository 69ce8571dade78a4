#include <gtest/gtest.h>

#include "engine/layers/graph.h"
#include "engine/layers/layers_for_test.h"

namespace titans::engine {
namespace {

class PartsGraphTest : public LayersTest {};

TEST_P(PartsGraphTest, ComputesInPartsWhatItComputesAtOnce) {
    Layers layers(GetParam());
    for (const char* name : {"a", "b", "c"}) layers.add(name + std::string(".weight"), {16, 16});
    std::vector<Linear> steps;
    for (const char* name : {"a", "b", "c"})
        steps.push_back(*layers.weights().linear(name, 16, 16, Bias::No));
    ASSERT_TRUE(layers.weights().finish());
    Node in = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(40, 16);
        Node x = g.cut(in);  // nothing to compute: no part
        for (const Linear& step : steps)
            x = g.cut(g.add(x, g.attention(g.linear(x, step), x, x, {.heads = 2})));
        out = g.output(x);
    });
    ASSERT_TRUE(graph);
    EXPECT_EQ((*graph)->parts(), 3);
    (*graph)->write(in, seeded(40 * 16, 5));
    ASSERT_TRUE((*graph)->compute({}));
    const Values wanted = (*graph)->read(out);
    for (int run = 0; run < 2; ++run) {
        (*graph)->write(in, seeded(40 * 16, run == 0 ? 6 : 5));
        for (int part = 0; part < 3; ++part) {
            const auto more = (*graph)->compute_next({});
            ASSERT_TRUE(more);
            EXPECT_EQ(*more, part < 2);
        }
        EXPECT_EQ((*graph)->read(out) == wanted, run == 1);
    }
    // One that was given up begins anew.
    ASSERT_TRUE((*graph)->compute_next({}));
    std::stop_source stop;
    stop.request_stop();
    const auto stopped = (*graph)->compute_next(stop.get_token());
    ASSERT_FALSE(stopped);
    EXPECT_EQ(stopped.error().kind, ErrorKind::Cancelled);
    for (int part = 0; part < 3; ++part) ASSERT_TRUE((*graph)->compute_next({}));
    EXPECT_EQ((*graph)->read(out), wanted);
}

TEST_P(PartsGraphTest, SaysWhereTheTimeGoes) {
    Layers layers(GetParam());
    layers.add("a.weight", {16, 16});
    const auto layer = layers.weights().linear("a", 16, 16, Bias::No);
    ASSERT_TRUE(layer && layers.weights().finish());
    Node in = nullptr;
    Node out = nullptr;
    const auto graph = Graph::build(layers.device(), [&](GraphBuilder& g) {
        in = g.input(40, 16);
        out = g.output(g.add(in, g.linear(g.cut(g.linear(in, *layer)), *layer)));
    });
    ASSERT_TRUE(graph);
    (*graph)->write(in, seeded(40 * 16, 5));
    ASSERT_TRUE((*graph)->compute({}));
    const Values wanted = (*graph)->read(out);
    Profile profile;
    layers.device().set_profile(&profile);
    ASSERT_TRUE((*graph)->compute_next({}));
    ASSERT_TRUE((*graph)->compute_next({}));
    layers.device().set_profile(nullptr);
    EXPECT_EQ((*graph)->read(out), wanted);
    const bool ours = GetParam() == Where::Ours;
    const Profile::Kind linear = profile.kinds[ours ? "linear" : "MUL_MAT"];
    EXPECT_EQ(linear.nodes, 2);
    EXPECT_GT(linear.seconds, 0);
    EXPECT_EQ(linear.operations, ours ? 2 * 2 * 40 * 16 * 16 : 0);
    EXPECT_EQ(profile.kinds["ADD"].nodes, 1);
}

INSTANTIATE_TEST_SUITE_P(Arithmetics, PartsGraphTest,
                         testing::Values(Where::Ours, Where::Ggml, Where::Gpu), name_of);

}  // namespace
}  // namespace titans::engine
