#include "hearing/vad/silero_detector.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "engine/ggml/gguf_file.h"

// Eight numbers at a time, with fused sums, where the processor can: decided when the program
// starts.
#if defined(__x86_64__) && defined(__gnu_linux__)
#define TITANS_FOR_EACH_PROCESSOR [[gnu::target_clones("default", "arch=x86-64-v3")]]
#else
#define TITANS_FOR_EACH_PROCESSOR
#endif

namespace titans::hearing::vad {
namespace {

using Eight [[gnu::vector_size(32)]] = float;

constexpr std::size_t kTile = 32;  // outputs that are computed together

constexpr std::size_t round_up(std::size_t outputs) {
    return (outputs + kTile - 1) / kTile * kTile;
}

/// outputs[o] = bias[o] + the sum over i of weights[o][i] inputs[i]. `weights` and `bias` in tiles
/// of kTile outputs: [tile][i][o in the tile]; `outputs` as long as all tiles.
TITANS_FOR_EACH_PROCESSOR
void multiply(const float* weights, const float* bias, std::span<const float> inputs,
              std::span<float> outputs) {
    constexpr std::size_t kBytes = sizeof(Eight);
    for (std::size_t first = 0; first < outputs.size(); first += kTile) {
        Eight sums[4];
        std::memcpy(sums, bias + first, sizeof sums);
        Eight a = sums[0];
        Eight b = sums[1];
        Eight c = sums[2];
        Eight d = sums[3];
        for (const float input : inputs) {
            Eight row[4];
            std::memcpy(&row[0], weights, kBytes);
            std::memcpy(&row[1], weights + 8, kBytes);
            std::memcpy(&row[2], weights + 16, kBytes);
            std::memcpy(&row[3], weights + 24, kBytes);
            a += row[0] * input;
            b += row[1] * input;
            c += row[2] * input;
            d += row[3] * input;
            weights += kTile;
        }
        sums[0] = a;
        sums[1] = b;
        sums[2] = c;
        sums[3] = d;
        std::memcpy(outputs.data() + first, sums, sizeof sums);
    }
}

/// A matrix and a bias, laid out for multiply().
class Linear {
public:
    /// `weight(o, i)`: of output o and input i.
    template <typename Weight>
    Linear(std::size_t inputs, std::size_t outputs, Weight weight)
        : weights_(inputs * round_up(outputs)), bias_(round_up(outputs)) {
        for (std::size_t o = 0; o < outputs; ++o) {
            float* const tile = weights_.data() + (o / kTile * kTile * inputs);
            for (std::size_t i = 0; i < inputs; ++i) tile[(i * kTile) + (o % kTile)] = weight(o, i);
        }
    }

    void add_to_bias(std::span<const float> bias) {
        for (std::size_t o = 0; o < bias.size(); ++o) bias_[o] += bias[o];
    }

    void operator()(std::span<const float> inputs, std::span<float> outputs) const {
        assert(outputs.size() == bias_.size() && inputs.size() * outputs.size() == weights_.size());
        multiply(weights_.data(), bias_.data(), inputs, outputs);
    }

private:
    std::vector<float> weights_;
    std::vector<float> bias_;
};

// The transform: windows of 256 samples, of which 129 frequencies are told apart.
constexpr std::size_t kWindow = 256;
constexpr std::size_t kHop = 128;
constexpr std::size_t kBins = 129;
constexpr std::size_t kFrames = 4;  // in a step
constexpr std::size_t kTaps = 3;    // of every convolution, which has a frame of zeros at both ends

/// A convolution as one matrix over `kTaps` frames that lie side by side: [frame][channel].
Linear convolution(std::span<const float> weights, std::span<const float> bias,
                   std::size_t channels, std::size_t outputs) {
    Linear linear(channels * kTaps, outputs, [&](std::size_t o, std::size_t i) {
        return weights[(((o * channels) + (i % channels)) * kTaps) + (i / channels)];
    });
    linear.add_to_bias(bias);
    return linear;
}

/// A layer of the encoder: from `in`, [frames + 2][channels] with a frame of zeros at both ends, to
/// `out`, [frames' + 2][channels'], of whose frames every one but those at the ends is written.
void convolve(const Linear& layer, std::span<const float> in, std::size_t channels,
              std::size_t stride, std::span<float> out, std::size_t outputs) {
    const std::size_t frames = (out.size() / outputs) - 2;
    for (std::size_t frame = 0; frame < frames; ++frame) {
        const auto to = out.subspan((frame + 1) * outputs, outputs);
        layer(in.subspan(frame * stride * channels, kTaps * channels), to);
        for (float& value : to) value = std::max(value, 0.0F);
    }
}

float sigmoid(float x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

class SileroWeights {
public:
    Linear transform;  // 256 samples to the real and the imaginary parts
    Linear first;      // 129 channels to 128
    Linear second;     // to 64, every other frame
    Linear third;      // to 64, every other frame
    Linear fourth;     // to 128
    Linear gates;      // 128 of the encoder and 128 of the state to the LSTM's four gates
    std::vector<float> output;
    float output_bias;
};

Result<std::shared_ptr<const SileroWeights>> load_silero(const std::filesystem::path& model) {
    TITANS_TRY(const engine::GgufFile file, engine::GgufFile::open(model));
    const auto encoder = [&](int layer, std::int64_t to, std::int64_t from) -> Result<Linear> {
        const std::string name = "model.encoder." + std::to_string(layer) + ".reparam_conv.";
        TITANS_TRY(const auto weights, file.tensor(name + "weight", {to, from, kTaps}));
        TITANS_TRY(const auto bias, file.tensor(name + "bias", {to}));
        return convolution(weights, bias, static_cast<std::size_t>(from),
                           static_cast<std::size_t>(to));
    };
    TITANS_TRY(const auto basis,
               file.tensor("model.stft.forward_basis_buffer", {2 * kBins, 1, kWindow}));
    TITANS_TRY(Linear first, encoder(0, 128, kBins));
    TITANS_TRY(Linear second, encoder(1, 64, 128));
    TITANS_TRY(Linear third, encoder(2, 64, 64));
    TITANS_TRY(Linear fourth, encoder(3, 128, 64));
    TITANS_TRY(const auto from_input, file.tensor("model.decoder.rnn.weight_ih", {512, 128}));
    TITANS_TRY(const auto from_state, file.tensor("model.decoder.rnn.weight_hh", {512, 128}));
    TITANS_TRY(const auto input_bias, file.tensor("model.decoder.rnn.bias_ih", {512}));
    TITANS_TRY(const auto state_bias, file.tensor("model.decoder.rnn.bias_hh", {512}));
    TITANS_TRY(const auto output, file.tensor("model.decoder.decoder.2.weight", {1, 128, 1}));
    TITANS_TRY(const auto output_bias, file.tensor("model.decoder.decoder.2.bias", {1}));

    Linear gates(256, 512, [&](std::size_t o, std::size_t i) {
        return i < 128 ? from_input[(o * 128) + i] : from_state[(o * 128) + i - 128];
    });
    gates.add_to_bias(input_bias);
    gates.add_to_bias(state_bias);
    return std::make_shared<const SileroWeights>(SileroWeights{
        .transform = Linear(kWindow, 2 * kBins,
                            [&](std::size_t o, std::size_t i) { return basis[(o * kWindow) + i]; }),
        .first = std::move(first),
        .second = std::move(second),
        .third = std::move(third),
        .fourth = std::move(fourth),
        .gates = std::move(gates),
        .output = {output.begin(), output.end()},
        .output_bias = output_bias[0]});
}

SileroDetector::SileroDetector(std::shared_ptr<const SileroWeights> weights)
    : weights_(std::move(weights)) {}

void SileroDetector::reset() {
    context_.fill(0);
    hidden_.fill(0);
    cell_.fill(0);
}

float SileroDetector::step(std::span<const float, kStep> samples) {
    const SileroWeights& weights = *weights_;

    // Behind what was before and the step itself, the step's end mirrored.
    std::array<float, kContext + kStep + kContext> signal;
    std::ranges::copy(context_, signal.begin());
    std::ranges::copy(samples, signal.begin() + kContext);
    for (std::size_t i = 0; i < kContext; ++i) {
        signal[kContext + kStep + i] = samples[kStep - 2 - i];
    }
    std::ranges::copy(samples.last<kContext>(), context_.begin());

    // [frame][channel], with a frame of zeros at both ends
    std::array<float, (kFrames + 2) * kBins> magnitudes{};
    std::array<float, (kFrames + 2) * 128> wide{};
    std::array<float, (2 + 2) * 64> half{};
    std::array<float, (1 + 2) * 64> quarter{};
    std::array<float, (1 + 2) * 128> encoded{};

    std::array<float, round_up(2 * kBins)> parts;
    for (std::size_t frame = 0; frame < kFrames; ++frame) {
        weights.transform(std::span(signal).subspan(frame * kHop, kWindow), parts);
        float* const to = magnitudes.data() + ((frame + 1) * kBins);
        for (std::size_t bin = 0; bin < kBins; ++bin) {
            const float real = parts[bin];
            const float imaginary = parts[kBins + bin];
            to[bin] = std::sqrt((real * real) + (imaginary * imaginary));
        }
    }
    convolve(weights.first, magnitudes, kBins, 1, wide, 128);
    convolve(weights.second, wide, 128, 2, half, 64);
    convolve(weights.third, half, 64, 2, quarter, 64);
    convolve(weights.fourth, quarter, 64, 1, encoded, 128);

    std::array<float, 2 * kState> input;
    std::ranges::copy(std::span(encoded).subspan(128, 128), input.begin());
    std::ranges::copy(hidden_, input.begin() + kState);
    std::array<float, 4 * kState> gates;
    weights.gates(input, gates);
    float sum = weights.output_bias;
    for (std::size_t i = 0; i < kState; ++i) {
        const float enter = sigmoid(gates[i]);
        const float keep = sigmoid(gates[kState + i]);
        const float value = std::tanh(gates[(2 * kState) + i]);
        const float show = sigmoid(gates[(3 * kState) + i]);
        cell_[i] = (keep * cell_[i]) + (enter * value);
        hidden_[i] = show * std::tanh(cell_[i]);
        sum += weights.output[i] * std::max(hidden_[i], 0.0F);
    }
    return sigmoid(sum);
}

}  // namespace titans::hearing::vad
