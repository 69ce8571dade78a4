#include "voice/f5tts/vocoder.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <complex>
#include <format>
#include <numbers>

#include "audio/fourier.h"
#include "engine/layers/graph.h"
#include "engine/layers/weights.h"
#include "voice/f5tts/mel.h"

namespace titans::voice::f5tts {
namespace {

using engine::Activation;
using engine::Bias;
using engine::GraphBuilder;
using engine::Node;

constexpr float kEpsilon = 1e-6F;
constexpr int kKernel = 7;
constexpr float kLargestMagnitude = 100;

struct Sizes {
    int width = 0;
    int wide = 0;
    int blocks = 0;
    int fourier = 0;  // samples of a frame

    std::size_t bins() const { return static_cast<std::size_t>(fourier) / 2 + 1; }
};

struct Block {
    engine::Conv1d conv;
    engine::Norm norm;
    engine::Linear wide;
    engine::Linear narrow;
    Node scale = nullptr;  // of each channel
};

std::unexpected<Error> wrong(std::string_view key) {
    return fail(
        ErrorKind::Unsupported,
        std::format("the vocoder's file says vocos.{} of a value that is not supported", key));
}

Result<Sizes> read_sizes(const engine::GgufFile& file) {
    TITANS_TRY(const std::string architecture, file.text("general.architecture"));
    if (architecture != "vocos")
        return fail(ErrorKind::Unsupported, "the vocoder's file is of another kind than Vocos");
    const auto read = [&](std::string_view name, int least, int most) -> Result<int> {
        TITANS_TRY(const std::int64_t found, file.integer(std::format("vocos.{}", name)));
        if (found < least || found > most) return wrong(name);
        return static_cast<int>(found);
    };
    TITANS_TRY_VOID(read("n_mels", kMels, kMels));
    TITANS_TRY_VOID(read("hop_length", kHop, kHop));
    TITANS_TRY_VOID(read("sample_rate", kRate.hz, kRate.hz));
    TITANS_TRY(const std::string padding, file.text("vocos.padding"));
    if (padding != "center") return wrong("padding");
    Sizes sizes;
    TITANS_TRY(sizes.width, read("dim", 1, 1 << 14));
    TITANS_TRY(sizes.wide, read("intermediate_dim", 1, 1 << 16));
    TITANS_TRY(sizes.blocks, read("num_layers", 1, 128));
    TITANS_TRY(sizes.fourier, read("n_fft", 2 * kHop, 1 << 16));
    if (sizes.fourier % 2 != 0) return wrong("n_fft");
    return sizes;
}

std::vector<float> hann_window(int size) {
    std::vector<float> window;
    for (int i = 0; i < size; ++i) {
        const double turn = 2 * std::numbers::pi * i / size;
        window.push_back(static_cast<float>((1 - std::cos(turn)) / 2));
    }
    return window;
}

}  // namespace

struct Vocoder::Layers {
    Sizes sizes;
    std::shared_ptr<engine::Device> device;  // outlives the weights on it
    std::unique_ptr<engine::Weights> weights;
    engine::Conv1d embed;
    engine::Norm norm;
    std::vector<Block> blocks;
    engine::Norm final_norm;
    engine::Linear head;

    Result<void> load();
};

Result<void> Vocoder::Layers::load() {
    const int width = sizes.width;
    const auto conv = [&](const std::string& name, int in, int groups) {
        return weights->conv1d(name,
                               {.in = in,
                                .out = width,
                                .kernel = kKernel,
                                .groups = groups,
                                .pad_left = kKernel / 2,
                                .pad_right = kKernel / 2},
                               Bias::Yes);
    };
    TITANS_TRY(embed, conv("backbone.embed", kMels, 1));
    TITANS_TRY(norm, weights->norm("backbone.norm", width, kEpsilon));
    for (int number = 0; number < sizes.blocks; ++number) {
        const std::string name = std::format("backbone.convnext.{}.", number);
        Block block;
        TITANS_TRY(block.conv, conv(name + "dwconv", width, width));
        TITANS_TRY(block.norm, weights->norm(name + "norm", width, kEpsilon));
        TITANS_TRY(block.wide, weights->linear(name + "pwconv1", width, sizes.wide));
        TITANS_TRY(block.narrow, weights->linear(name + "pwconv2", sizes.wide, width));
        TITANS_TRY(block.scale, weights->tensor(name + "gamma", {width}));
        blocks.push_back(std::move(block));
    }
    TITANS_TRY(final_norm, weights->norm("backbone.final_layer_norm", width, kEpsilon));
    TITANS_TRY(head, weights->linear("head.out", width, std::int64_t{sizes.fourier} + 2));
    return weights->finish();
}

Vocoder::Vocoder() = default;
Vocoder::~Vocoder() = default;

Result<std::shared_ptr<const Vocoder>> Vocoder::load(const std::filesystem::path& path,
                                                     const engine::Compute& compute) {
    TITANS_TRY(auto opened, engine::GgufFile::open(path));
    const auto file = std::make_shared<const engine::GgufFile>(std::move(opened));
    auto layers = std::make_unique<Layers>();
    TITANS_TRY(layers->sizes, read_sizes(*file));
    layers->device = compute.device;
    // Bytes would be heard, and save next to nothing beside what the transformer takes.
    const engine::Precision precision = compute.precision == engine::Precision::Int8
                                            ? engine::native_precision()
                                            : compute.precision;
    layers->weights = std::make_unique<engine::Weights>(file, *compute.device, precision);
    TITANS_TRY_VOID(layers->load());
    std::shared_ptr<Vocoder> vocoder(new Vocoder());
    vocoder->layers_ = std::move(layers);
    return vocoder;
}

Node Vocoder::draw(GraphBuilder& graph, Node mel, const engine::StageSink& stage) const {
    const auto tell = [&stage](const std::string& name, Node value) {
        if (stage) stage(name, value);
        return value;
    };
    Node x = tell("embed", graph.conv1d(mel, layers_->embed));
    x = tell("norm", graph.layer_norm(x, layers_->norm));
    int number = 0;
    for (const Block& block : layers_->blocks) {
        Node y = graph.layer_norm(graph.conv1d(x, block.conv), block.norm);
        y = graph.linear(y, block.wide, {.activation = Activation::GeluErf});
        x = graph.linear(y, block.narrow, {.add = x, .gate = block.scale});
        tell(std::format("block.{}", ++number), x);
    }
    x = tell("final_norm", graph.layer_norm(x, layers_->final_norm));
    return graph.linear(x, layers_->head);
}

Result<std::vector<float>> Vocoder::sound(std::span<const float> spectrum) const {
    const std::size_t size = static_cast<std::size_t>(layers_->sizes.fourier);
    const std::size_t bins = layers_->sizes.bins();
    assert(spectrum.size() % (2 * bins) == 0);
    const std::size_t frames = spectrum.size() / (2 * bins);
    if (frames < 2) return std::vector<float>{};
    TITANS_TRY(const auto fourier, audio::InverseRealFourier::make(layers_->sizes.fourier));
    const std::vector<float> window = hann_window(layers_->sizes.fourier);
    std::vector<float> sum(size + (frames - 1) * kHop);
    std::vector<float> weight(sum.size());  // of the windows there
    std::vector<std::complex<float>> frame(bins);
    std::vector<float> samples(size);
    for (std::size_t number = 0; number < frames; ++number) {
        const auto values = spectrum.subspan(number * 2 * bins, 2 * bins);
        for (std::size_t bin = 0; bin < bins; ++bin) {
            frame[bin] =
                std::polar(std::min(std::exp(values[bin]), kLargestMagnitude), values[bins + bin]);
        }
        fourier.transform(frame, samples);
        const std::size_t first = number * kHop;
        for (std::size_t i = 0; i < size; ++i) {
            sum[first + i] += samples[i] * window[i];
            weight[first + i] += window[i] * window[i];
        }
    }
    // Frames are centred: half of the first one and of the last is before and behind the sound.
    std::vector<float> made((frames - 1) * kHop);
    for (std::size_t i = 0; i < made.size(); ++i)
        made[i] = sum[size / 2 + i] / weight[size / 2 + i];
    return made;
}

Result<std::vector<float>> Vocoder::decode(std::span<const float> mel,
                                           const std::stop_token& stop) const {
    assert(mel.size() % kMels == 0);
    const std::int64_t frames = std::ssize(mel) / kMels;
    if (frames < 2) return std::vector<float>{};
    Node in = nullptr;
    Node out = nullptr;
    TITANS_TRY(const auto graph, engine::Graph::build(*layers_->device, [&](GraphBuilder& builder) {
                   in = builder.input(frames, kMels);
                   out = builder.output(draw(builder, in));
               }));
    graph->write(in, mel);
    TITANS_TRY_VOID(graph->compute(stop));
    return sound(graph->read(out));
}

}  // namespace titans::voice::f5tts
