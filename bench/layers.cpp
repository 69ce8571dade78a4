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

#include "layer_cases.h"

namespace {

using namespace titans;
using namespace titans::bench;
using namespace titans::engine;
using Clock = std::chrono::steady_clock;
using Json = nlohmann::ordered_json;

struct Options {
    int threads = 2;
    double seconds = 0.3;  // of measuring each thing
    std::string only;
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
