// Each layer at the sizes of the networks that use it: how fast ours is in each precision, beside
// ggml's operators and OpenBLAS, and the most that this processor does. Prints JSON.
//
//   layers [--threads N] [--only WORD] [--seconds S]

#include <dlfcn.h>
#include <ggml.h>
#include <gguf.h>
#include <unistd.h>

#include <barrier>
#include <cmath>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <numeric>
#include <random>
#include <thread>

#include "engine/layers/graph.h"

namespace {

using namespace titans;
using namespace titans::engine;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct Options {
    int threads = 2;
    double seconds = 0.3;  // of measuring each thing
    std::string only;
};

struct Input {
    std::int64_t rows;
    std::int64_t width;
};

struct Parameter {
    std::string name;
    std::vector<std::int64_t> shape;  // slowest first
};

/// One layer, or a few.
struct Case {
    std::string name;
    double operations = 0;  // multiplications and additions; 0 where they say nothing
    double nodes = 1;       // to share the time out among
    std::vector<Parameter> parameters;
    std::vector<Input> inputs;
    std::function<std::function<Node(GraphBuilder&, std::span<const Node>)>(Weights&)> draw;
    std::array<std::int64_t, 3> product{};  // rows, in, out: where OpenBLAS can do the same
};

struct Timing {
    double median = 0;
    double best = 0;
};

/// Seconds of the runs that fit into `seconds`.
Timing time_of(double seconds, const std::function<void()>& run) {
    run();
    run();
    std::vector<double> times;
    const auto start = Clock::now();
    while (times.size() < 3 || Clock::now() - start < std::chrono::duration<double>(seconds)) {
        const auto before = Clock::now();
        run();
        times.push_back(std::chrono::duration<double>(Clock::now() - before).count());
    }
    std::ranges::sort(times);
    return {times[times.size() / 2], times.front()};
}

std::vector<float> random_values(std::int64_t count) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    std::vector<float> block(4099);
    for (float& value : block) value = normal(random);
    std::vector<float> values(static_cast<std::size_t>(count));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = block[i % block.size()];
    return values;
}

/// A file of random parameters.
void write_parameters(const std::filesystem::path& path, const std::vector<Parameter>& parameters) {
    const gguf_context_ptr file(gguf_init_empty());
    std::size_t bytes = 0;
    for (const Parameter& parameter : parameters) {
        bytes += ggml_tensor_overhead() + 64 +
                 sizeof(float) * static_cast<std::size_t>(
                                     std::accumulate(parameter.shape.begin(), parameter.shape.end(),
                                                     std::int64_t{1}, std::multiplies<>()));
    }
    const ggml_context_ptr context(
        ggml_init({.mem_size = bytes + 1024, .mem_buffer = nullptr, .no_alloc = false}));
    for (const Parameter& parameter : parameters) {
        std::vector<std::int64_t> shape(parameter.shape.rbegin(), parameter.shape.rend());
        ggml_tensor* tensor = ggml_new_tensor(context.get(), GGML_TYPE_F32,
                                              static_cast<int>(shape.size()), shape.data());
        ggml_set_name(tensor, parameter.name.c_str());
        const std::vector<float> values = random_values(ggml_nelements(tensor));
        std::ranges::copy(values, static_cast<float*>(tensor->data));
        gguf_add_tensor(file.get(), tensor);
    }
    if (!gguf_write_to_file(file.get(), path.c_str(), false)) std::exit(1);
}

template <typename Value>
Value or_exit(Result<Value> result) {
    if (!result) {
        std::println(stderr, "{} {}", result.error().message, result.error().detail);
        std::exit(1);
    }
    return *std::move(result);
}

Timing time_case(const Case& what, const std::filesystem::path& path, const Options& options,
                 Device::Arithmetic arithmetic, Precision precision) {
    const auto device =
        or_exit(Device::open({.threads = options.threads, .arithmetic = arithmetic}));
    Weights weights(std::make_shared<const GgufFile>(or_exit(GgufFile::open(path))), *device,
                    precision);
    const auto draw = what.draw(weights);
    if (!weights.finish()) std::exit(1);
    std::vector<Node> inputs;
    const auto graph = or_exit(Graph::build(*device, [&](GraphBuilder& g) {
        for (const Input& input : what.inputs) inputs.push_back(g.input(input.rows, input.width));
        g.output(draw(g, inputs));
    }));
    for (std::size_t i = 0; i < inputs.size(); ++i)
        graph->write(inputs[i], random_values(what.inputs[i].rows * what.inputs[i].width));
    return time_of(options.seconds, [&] {
        if (!graph->compute({})) std::exit(1);
    });
}

class OpenBlas {
public:
    OpenBlas() : library_(dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL)) {
        if (library_ == nullptr) return;
        multiply_ = reinterpret_cast<Multiply>(dlsym(library_, "cblas_sgemm"));
        set_threads_ = reinterpret_cast<SetThreads>(dlsym(library_, "openblas_set_num_threads"));
    }

    Timing time(const std::array<std::int64_t, 3>& product, const Options& options) const {
        if (multiply_ == nullptr || set_threads_ == nullptr) return {};
        const auto [rows, in, out] = product;
        const std::vector<float> x = random_values(rows * in);
        const std::vector<float> weight = random_values(out * in);
        std::vector<float> y(static_cast<std::size_t>(rows * out));
        set_threads_(options.threads);
        constexpr int kRowMajor = 101;
        constexpr int kAsItIs = 111;
        constexpr int kTransposed = 112;
        return time_of(options.seconds, [&] {
            multiply_(kRowMajor, kAsItIs, kTransposed, int(rows), int(out), int(in), 1, x.data(),
                      int(in), weight.data(), int(in), 0, y.data(), int(out));
        });
    }

private:
    using Multiply = void (*)(int, int, int, int, int, int, float, const float*, int, const float*,
                              int, float, float*, int);
    using SetThreads = void (*)(int);

    void* library_;
    Multiply multiply_ = nullptr;
    SetThreads set_threads_ = nullptr;
};

/// Operations a second of the products' kernel with all it needs in the nearest cache.
double peak(Precision precision, int threads) {
    constexpr std::int64_t kSize = 48;
    constexpr std::int64_t kLength = 128;
    constexpr int kRuns = 60'000;
    Workspace workspace(threads);
    const auto kernel = workspace.kernel({.precision = precision,
                                          .m = kSize,
                                          .n = kSize,
                                          .k = kLength,
                                          .a_row = kLength,
                                          .b_row = kSize,
                                          .c_row = kSize});
    workspace.prepare();
    double best = 0;
    for (int attempt = 0; attempt < 8; ++attempt) {
        std::barrier ready(threads);
        std::vector<double> seconds(static_cast<std::size_t>(threads));
        std::vector<std::jthread> workers;
        for (int i = 0; i < threads; ++i) {
            workers.emplace_back([&, i] {
                AlignedMemory a(kSize * kLength * 4);
                AlignedMemory b(kSize * kLength * 4);
                AlignedMemory c(kSize * kSize * 4);
                for (const AlignedMemory* memory : {&a, &b})
                    std::fill_n(memory->get(), memory->size(), std::byte{});
                constexpr MatrixKernel::Offsets kNone{};
                ready.arrive_and_wait();
                const auto start = Clock::now();
                for (int run = 0; run < kRuns; ++run)
                    kernel->run(a.get(), b.get(), &kNone, c.get(), workspace.kernel_memory(i));
                seconds[static_cast<std::size_t>(i)] =
                    std::chrono::duration<double>(Clock::now() - start).count();
            });
        }
        workers.clear();  // waits
        best = std::max(best, 2.0 * kSize * kSize * kLength * kRuns * threads /
                                  *std::ranges::max_element(seconds));
    }
    return best;
}

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

Case conv1d(const std::string& network, const Conv1dShape& shape, std::int64_t time) {
    const std::int64_t rows =
        (time + shape.pad_left + shape.pad_right - shape.kernel) / shape.stride + 1;
    return {.name = std::format("{}: conv {} x {} to {}, k {}, stride {}, groups {}", network, time,
                                shape.in, shape.out, shape.kernel, shape.stride, shape.groups),
            .operations = 2.0 * double(rows * shape.kernel * shape.in / shape.groups * shape.out),
            .parameters = {{"c.weight", {shape.out, shape.in / shape.groups, shape.kernel}},
                           {"c.bias", {shape.out}}},
            .inputs = {{time, shape.in}},
            .draw = [=](Weights& weights) {
                const Conv1d layer = or_exit(weights.conv1d("c", shape, Bias::Yes));
                return [=](GraphBuilder& g, std::span<const Node> x) {
                    return g.conv1d(x[0], layer, Activation::GeluErf);
                };
            }};
}

Case attention(const std::string& network, int heads, std::int64_t width, std::int64_t queries,
               std::int64_t keys, int sequences = 1) {
    return {.name = std::format("{}: attention {} x {}, {} to {}{}", network, heads, width, queries,
                                keys, sequences == 1 ? "" : std::format(", {} at once", sequences)),
            .operations = 4.0 * double(heads * width * queries * keys * sequences),
            .inputs = {{queries * sequences, heads * width},
                       {keys * sequences, heads * width},
                       {keys * sequences, heads * width}},
            .draw = [=](Weights& weights) {
                return [=, precision = weights.precision()](GraphBuilder& g,
                                                            std::span<const Node> in) {
                    return g.attention(
                        in[0], in[1], in[2],
                        {.heads = heads, .sequences = sequences, .precision = precision});
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

std::vector<Case> cases() {
    return {
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
        conv1d(
            "F5",
            {.in = 1024, .out = 1024, .kernel = 31, .groups = 16, .pad_left = 15, .pad_right = 15},
            1000),
        conv1d("Vocos",
               {.in = 512, .out = 512, .kernel = 7, .groups = 512, .pad_left = 3, .pad_right = 3},
               1000),
        norm("all", 1, 16, Axis::Row, 200),
    };
}

/// Seconds from a file in the system's cache to weights that graphs can be drawn with: the linear
/// layers of Wav2Vec2 large, 1.2 GB of F32.
Json load_times(const std::filesystem::path& path, const Options& options,
                const std::map<std::string, Precision>& precisions) {
    constexpr int kBlocks = 24;
    constexpr std::int64_t kWidth = 1024;
    constexpr std::int64_t kWide = 4096;
    struct Shape {
        std::string name;
        std::int64_t in;
        std::int64_t out;
    };
    std::vector<Shape> layers;
    std::vector<Parameter> parameters;
    for (int block = 0; block < kBlocks; ++block) {
        for (const char* name : {"q", "k", "v", "o"})
            layers.push_back({std::format("{}.{}", block, name), kWidth, kWidth});
        layers.push_back({std::format("{}.up", block), kWidth, kWide});
        layers.push_back({std::format("{}.down", block), kWide, kWidth});
    }
    for (const Shape& layer : layers)
        parameters.push_back({layer.name + ".weight", {layer.out, layer.in}});
    write_parameters(path, parameters);
    Json answer;
    for (const auto& [name, precision] : precisions) {
        std::size_t bytes = 0;
        const Timing timing = time_of(0, [&] {
            const auto device = or_exit(Device::open({.threads = options.threads}));
            Weights weights(std::make_shared<const GgufFile>(or_exit(GgufFile::open(path))),
                            *device, precision);
            for (const Shape& layer : layers)
                or_exit(weights.linear(layer.name, layer.in, layer.out, Bias::No));
            if (!weights.finish()) std::exit(1);
            bytes = weights.bytes();
        });
        answer[name] = {{"ms", std::round(timing.median * 1e3)},
                        {"best_ms", std::round(timing.best * 1e3)},
                        {"mb", bytes >> 20U}};
    }
    std::filesystem::remove(path);
    return answer;
}

Options parse(std::span<char*> words) {
    Options options;
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
        const std::string_view word = words[i];
        if (word == "--threads") options.threads = std::atoi(words[i + 1]);
        if (word == "--seconds") options.seconds = std::atof(words[i + 1]);
        if (word == "--only") options.only = words[i + 1];
    }
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    const Options options = parse(std::span(argv, static_cast<std::size_t>(argc)));
    const std::map<std::string, Precision> precisions{
        {"f32", Precision::F32}, {"bf16", Precision::Bf16}, {"int8", Precision::Int8}};
    Json answer{{"threads", options.threads}};
    std::map<std::string, double> peaks;
    for (const auto& [name, precision] : precisions) {
        if (computed_precision(precision) != precision) continue;
        peaks[name] = peak(precision, options.threads);
        answer["peak_gflops"][name]["one thread"] = std::round(peak(precision, 1) / 1e9);
        answer["peak_gflops"][name]["all threads"] = std::round(peaks[name] / 1e9);
    }
    const OpenBlas blas;
    const std::filesystem::path path =
        std::filesystem::temp_directory_path() / std::format("titans-layers-{}.gguf", getpid());
    if (std::string_view("load").contains(options.only)) {
        answer["load"] = load_times(path, options, precisions);
        std::println(stderr, "{}", answer["load"].dump());
    }
    for (const Case& what : cases()) {
        if (!what.name.contains(options.only)) continue;
        write_parameters(path, what.parameters);
        Json row{{"layer", what.name}};
        const auto add = [&](const std::string& column, const Timing& timing, double most) {
            const double seconds = timing.median;
            if (seconds <= 0) return;
            row[column]["us"] = std::round(seconds / what.nodes * 1e7) / 10;
            row[column]["best_us"] = std::round(timing.best / what.nodes * 1e7) / 10;
            if (what.operations <= 0) return;
            row[column]["gflops"] = std::round(what.operations / seconds / 1e9);
            if (most > 0) {
                row[column]["share_of_peak"] =
                    std::round(what.operations / seconds / most * 100) / 100;
            }
        };
        for (const auto& [name, precision] : precisions) {
            if (!peaks.contains(name)) continue;
            add(name, time_case(what, path, options, Device::Arithmetic::Ours, precision),
                peaks[name]);
        }
        add("ggml", time_case(what, path, options, Device::Arithmetic::Ggml, Precision::F32), 0);
        if (what.product[0] > 0) add("openblas", blas.time(what.product, options), 0);
        std::println(stderr, "{}", row.dump());
        answer["layers"].push_back(std::move(row));
        std::filesystem::remove(path);
    }
    std::println("{}", answer.dump(2));
}
