#include "layer_cases.h"

#include <format>

namespace titans::bench {
namespace {

using namespace engine;

Case linear(const std::string& network, std::int64_t rows, std::int64_t in, std::int64_t out,
            Activation activation = Activation::None) {
    return {.name = std::format("{}: linear {} x {} x {}{}", network, rows, in, out,
                                activation == Activation::None ? "" : ", GELU"),
            .operations = 2.0 * double(rows * in * out),
            .parameters = {{"a.weight", {out, in}}, {"a.bias", {out}}},
            .inputs = {{rows, in}},
            .draw =
                [=](Weights& weights) {
                    const Linear layer = or_exit(weights.linear("a", in, out));
                    return [=](GraphBuilder& g, std::span<const Node> x) {
                        return g.linear(x[0], layer, {.activation = activation});
                    };
                },
            .product = {rows, in, out}};
}

std::string at_once(int sequences) {
    return sequences == 1 ? "" : std::format(", {} at once", sequences);
}

Case conv1d(const std::string& network, const Conv1dShape& shape, std::int64_t time,
            Activation activation = Activation::GeluErf, int sequences = 1) {
    const std::int64_t rows =
        (time + shape.pad_left + shape.pad_right - shape.kernel) / shape.stride + 1;
    return {.name = std::format("{}: conv {} x {} to {}, k {}, stride {}, groups {}{}", network,
                                time, shape.in, shape.out, shape.kernel, shape.stride, shape.groups,
                                at_once(sequences)),
            .operations =
                2.0 * double(sequences * rows * shape.kernel * shape.in / shape.groups * shape.out),
            .parameters = {{"c.weight", {shape.out, shape.in / shape.groups, shape.kernel}},
                           {"c.bias", {shape.out}}},
            .inputs = {{sequences * time, shape.in}},
            .draw = [=](Weights& weights) {
                const Conv1d layer = or_exit(weights.conv1d("c", shape, Bias::Yes));
                return [=](GraphBuilder& g, std::span<const Node> x) {
                    return g.conv1d(x[0], layer,
                                    {.activation = activation, .sequences = sequences});
                };
            }};
}

enum class Rotary : std::uint8_t { No, Yes };

Case attention(const std::string& network, int heads, std::int64_t width, std::int64_t queries,
               std::int64_t keys, int sequences = 1, Rotary rotary = Rotary::No) {
    return {.name = std::format("{}: {}attention {} x {}, {} to {}{}", network,
                                rotary == Rotary::Yes ? "rotary " : "", heads, width, queries, keys,
                                at_once(sequences)),
            .operations = 4.0 * double(heads * width * queries * keys * sequences),
            .inputs = {{queries * sequences, heads * width},
                       {keys * sequences, heads * width},
                       {keys * sequences, heads * width}},
            .draw = [=](Weights& weights) {
                return [=, precision = weights.precision()](GraphBuilder& g,
                                                            std::span<const Node> in) {
                    return g.attention(in[0], in[1], in[2],
                                       {.heads = heads,
                                        .sequences = sequences,
                                        .precision = precision,
                                        .rotated_heads = rotary == Rotary::Yes ? heads : 0});
                };
            }};
}

/// Of a decoder: `queries` hypotheses attend to what was kept of an encoder.
Case kept_attention(const std::string& network, int heads, std::int64_t width, std::int64_t queries,
                    std::int64_t keys) {
    return {.name = std::format("{}: attention {} x {}, {} to {} that are kept", network, heads,
                                width, queries, keys),
            .operations = 4.0 * double(heads * width * queries * keys),
            .inputs = {{queries, heads * width}},
            .draw = [=](Weights& weights) {
                const std::shared_ptr<KvCache> cache =
                    or_exit(KvCache::open(weights.device(), {.layers = 1,
                                                             .capacity = keys,
                                                             .width = heads * width,
                                                             .precision = weights.precision()}));
                return [=](GraphBuilder& g, std::span<const Node> in) {
                    return g.attention(in[0], cache->keys(0), cache->values(0), {.heads = heads});
                };
            }};
}

enum class Axis : std::uint8_t { Row, Column };

Case norm(const std::string& network, std::int64_t rows, std::int64_t width, Axis axis, int nodes) {
    return {.name = nodes > 1 ? std::format("{}: a node of next to no work", network)
                              : std::format("{}: {} norm {} x {}", network,
                                            axis == Axis::Row ? "layer" : "time", rows, width),
            .nodes = double(nodes),
            .parameters = {{"n.weight", {width}}, {"n.bias", {width}}},
            .inputs = {{rows, width}},
            .draw = [=](Weights& weights) {
                const Norm layer = or_exit(weights.norm("n", width, 1e-5F));
                return [=](GraphBuilder& g, std::span<const Node> x) {
                    Node y = x[0];
                    for (int i = 0; i < nodes; ++i)
                        y = axis == Axis::Row ? g.layer_norm(y, layer) : g.time_norm(y, layer);
                    return y;
                };
            }};
}

/// The second linear layer of a block, whose answer is gated and added to what went around it.
Case gated_linear(const std::string& network, std::int64_t rows, std::int64_t in,
                  std::int64_t out) {
    Case made = linear(network, rows, in, out);
    made.name += ", gated";
    made.inputs.insert(made.inputs.end(), {{rows, out}, {1, out}});
    made.draw = [=](Weights& weights) {
        const Linear layer = or_exit(weights.linear("a", in, out));
        return [=](GraphBuilder& g, std::span<const Node> x) {
            return g.linear(x[0], layer, {.add = x[1], .gate = x[2]});
        };
    };
    return made;
}

Case modulated_norm(const std::string& network, std::int64_t rows, std::int64_t width) {
    return {.name = std::format("{}: modulated norm {} x {}", network, rows, width),
            .inputs = {{rows, width}, {1, width}, {1, width}},
            .draw = [](Weights& /*weights*/) {
                return [](GraphBuilder& g, std::span<const Node> x) {
                    return g.modulated_norm(x[0], x[1], x[2], 1e-6F);
                };
            }};
}

/// A block of a diffusion transformer for two sequences of `time`.
Case diffusion_block(const std::string& network, std::int64_t time) {
    constexpr std::int64_t kWidth = 1024;
    constexpr std::int64_t kInner = 2048;
    constexpr int kHeads = 16;
    const std::int64_t rows = 2 * time;
    const std::vector<std::tuple<std::string, std::int64_t, std::int64_t>> layers{
        {"qkv", kWidth, 3 * kWidth},
        {"out", kWidth, kWidth},
        {"up", kWidth, kInner},
        {"down", kInner, kWidth}};
    Case made{.name = std::format("{}: block of 2 x {}", network, time),
              .operations = 8.0 * double(time * time * kWidth),
              .inputs = {{rows, kWidth}, {1, 6 * kWidth}}};
    for (const auto& [name, in, out] : layers) {
        made.operations += 2.0 * double(rows * in * out);
        made.parameters.insert(made.parameters.end(),
                               {{name + ".weight", {out, in}}, {name + ".bias", {out}}});
    }
    made.draw = [=](Weights& weights) {
        std::vector<Linear> made;
        for (const auto& [name, in, out] : layers)
            made.push_back(or_exit(weights.linear(name, in, out)));
        return [=](GraphBuilder& g, std::span<const Node> in) {
            const auto part = [&](Node wide, std::int64_t which) {
                return g.columns(wide, which * kWidth, kWidth);
            };
            const Node by = in[1];
            Node x = g.modulated_norm(in[0], part(by, 1), part(by, 0), 1e-6F);
            const Node qkv = g.linear(x, made[0]);
            x = g.attention(part(qkv, 0), part(qkv, 1), part(qkv, 2),
                            {.heads = kHeads, .sequences = 2, .rotated_heads = kHeads});
            const Node middle = g.linear(x, made[1], {.add = in[0], .gate = part(by, 2)});
            x = g.modulated_norm(middle, part(by, 4), part(by, 3), 1e-6F);
            x = g.linear(x, made[2], {.activation = Activation::GeluTanh});
            return g.linear(x, made[3], {.add = middle, .gate = part(by, 5)});
        };
    };
    return made;
}

/// F5-TTS and its vocoder. F5 computes two sequences at once: with the text and without it.
std::vector<Case> speaking() {
    std::vector<Case> made;
    for (const std::int64_t time : {700, 1216}) {
        const std::int64_t rows = 2 * time;
        for (Case& what : std::vector<Case>{
                 linear("F5", rows, 1024, 3072),
                 gated_linear("F5", rows, 1024, 1024),
                 linear("F5", rows, 1024, 2048, Activation::GeluTanh),
                 gated_linear("F5", rows, 2048, 1024),
                 attention("F5", 16, 64, time, time, 2, Rotary::Yes),
                 modulated_norm("F5", rows, 1024),
                 conv1d("F5",
                        {.in = 1024,
                         .out = 1024,
                         .kernel = 31,
                         .groups = 16,
                         .pad_left = 15,
                         .pad_right = 15},
                        time, Activation::Mish, 2),
                 diffusion_block("F5", time),
             })
            made.push_back(std::move(what));
    }
    for (Case& what : std::vector<Case>{
             conv1d(
                 "Vocos",
                 {.in = 512, .out = 512, .kernel = 7, .groups = 512, .pad_left = 3, .pad_right = 3},
                 1000),
             norm("Vocos", 1000, 512, Axis::Row, 1),
             linear("Vocos", 1000, 512, 1536, Activation::GeluErf),
             gated_linear("Vocos", 1000, 1536, 512),
         })
        made.push_back(std::move(what));
    return made;
}

}  // namespace

std::vector<Case> cases() {
    std::vector<Case> made{
        linear("Whisper base", 1500, 512, 512),
        linear("Whisper base", 1500, 512, 2048, Activation::GeluErf),
        linear("Whisper base", 1500, 2048, 512),
        linear("Whisper base", 1, 512, 512),
        linear("Whisper base", 1, 512, 2048, Activation::GeluErf),
        linear("Whisper base", 1, 512, 51865),
        linear("Whisper base", 5, 512, 51865),
        conv1d("Whisper base", {.in = 80, .out = 512, .kernel = 3, .pad_left = 1, .pad_right = 1},
               3000),
        conv1d("Whisper base",
               {.in = 512, .out = 512, .kernel = 3, .stride = 2, .pad_left = 1, .pad_right = 1},
               3000),
        attention("Whisper base", 8, 64, 1500, 1500),
        kept_attention("Whisper base", 8, 64, 1, 1500),
        kept_attention("Whisper base", 8, 64, 5, 1500),
        norm("Whisper base", 1500, 512, Axis::Row, 1),
        linear("Wav2Vec2 large", 550, 1024, 1024),
        linear("Wav2Vec2 large", 550, 1024, 4096, Activation::GeluErf),
        linear("Wav2Vec2 large", 550, 4096, 1024),
        linear("Wav2Vec2 large", 1500, 1024, 4096, Activation::GeluErf),
        conv1d("Wav2Vec2 large", {.in = 1, .out = 512, .kernel = 10, .stride = 5}, 176'000),
        conv1d("Wav2Vec2 large", {.in = 512, .out = 512, .kernel = 3, .stride = 2}, 35'199),
        conv1d(
            "Wav2Vec2 large",
            {.in = 1024, .out = 1024, .kernel = 128, .groups = 16, .pad_left = 64, .pad_right = 63},
            550),
        attention("Wav2Vec2 large", 16, 64, 550, 550),
        attention("Wav2Vec2 large", 16, 64, 1000, 1000),
        attention("Wav2Vec2 large", 16, 64, 1500, 1500),
        norm("Wav2Vec2 large", 550, 1024, Axis::Row, 1),
        norm("Wav2Vec2 base", 35'199, 512, Axis::Column, 1),
        linear("MiniLM", 8192, 384, 384),
        linear("MiniLM", 8192, 384, 1536, Activation::GeluErf),
        linear("MiniLM", 8192, 1536, 384),
        attention("MiniLM", 12, 32, 128, 128, 64),
    };
    for (Case& what : speaking()) made.push_back(std::move(what));
    made.push_back(norm("all", 1, 16, Axis::Row, 200));
    return made;
}

}  // namespace titans::bench
