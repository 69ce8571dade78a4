"""What Silero VAD 6 for 16 kHz answers, to compare the detector of src/hearing/vad with.

usage: silero_vad.py fixture                         > src/hearing/vad/silero_reference_for_test.h
       silero_vad.py probabilities MODEL RECORDING   the ONNX file's probability of every step, one a line
       silero_vad.py compare MODEL RECORDING...      the ONNX file against the network below, by the largest difference

MODEL is silero_vad_16k_op15.onnx of the Python package silero-vad 6.2.3; RECORDING a WAV file of one channel at 16 kHz.
Needs numpy; with a MODEL onnxruntime, and `compare` onnx. The fixture is the answer of the network below, in float64,
with weights that the test makes by the same rule: of the same shapes as the real ones, but random.
"""

import sys
import wave

import numpy

STEP, CONTEXT, WINDOW, HOP, BINS = 512, 64, 256, 128, 129
# Name, shape, and the largest random weight: such that the answers differ from step to step.
TENSORS = [
    ("model.stft.forward_basis_buffer", (258, 1, 256), 0.1),
    ("model.encoder.0.reparam_conv.weight", (128, 129, 3), 0.12),
    ("model.encoder.0.reparam_conv.bias", (128,), 0.1),
    ("model.encoder.1.reparam_conv.weight", (64, 128, 3), 0.12),
    ("model.encoder.1.reparam_conv.bias", (64,), 0.1),
    ("model.encoder.2.reparam_conv.weight", (64, 64, 3), 0.2),
    ("model.encoder.2.reparam_conv.bias", (64,), 0.1),
    ("model.encoder.3.reparam_conv.weight", (128, 64, 3), 0.3),
    ("model.encoder.3.reparam_conv.bias", (128,), 0.1),
    ("model.decoder.rnn.weight_ih", (512, 128), 0.25),
    ("model.decoder.rnn.weight_hh", (512, 128), 0.25),
    ("model.decoder.rnn.bias_ih", (512,), 0.1),
    ("model.decoder.rnn.bias_hh", (512,), 0.1),
    ("model.decoder.decoder.2.weight", (1, 128, 1), 4.0),
    ("model.decoder.decoder.2.bias", (1,), 0.1),
]
FIXTURE_STEPS = 40


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def convolution(x, weights, bias, stride):
    """x: [channels, frames], with a frame of zeros put at both ends."""
    x = numpy.pad(x, ((0, 0), (1, 1)))
    frames = (x.shape[1] - 3) // stride + 1
    sums = [numpy.tensordot(weights, x[:, i * stride:i * stride + 3], 2) for i in range(frames)]
    return numpy.maximum(numpy.stack(sums, 1) + bias[:, None], 0)


def steps(signal):
    return [signal[i:i + STEP] for i in range(0, len(signal) - STEP + 1, STEP)]


def network(weights, signal):
    """The probability of every whole step."""
    weights = {name: weight.astype(numpy.float64) for name, weight in weights.items()}
    hidden, cell, context = numpy.zeros(128), numpy.zeros(128), numpy.zeros(CONTEXT)
    answers = []
    for step in steps(signal.astype(numpy.float64)):
        x = numpy.pad(numpy.concatenate([context, step]), (0, CONTEXT), "reflect")
        context = step[-CONTEXT:]
        basis = weights["model.stft.forward_basis_buffer"][:, 0]
        parts = numpy.stack([basis @ x[i:i + WINDOW] for i in range(0, len(x) - WINDOW + 1, HOP)], 1)
        x = numpy.hypot(parts[:BINS], parts[BINS:])
        for layer, stride in enumerate((1, 2, 2, 1)):
            name = f"model.encoder.{layer}.reparam_conv."
            x = convolution(x, weights[name + "weight"], weights[name + "bias"], stride)
        rnn = "model.decoder.rnn."
        gates = (weights[rnn + "weight_ih"] @ x[:, 0] + weights[rnn + "bias_ih"]
                 + weights[rnn + "weight_hh"] @ hidden + weights[rnn + "bias_hh"])
        enter, keep, value, show = numpy.split(gates, 4)
        cell = sigmoid(keep) * cell + sigmoid(enter) * numpy.tanh(value)
        hidden = sigmoid(show) * numpy.tanh(cell)
        output = weights["model.decoder.decoder.2.weight"][0, :, 0] @ numpy.maximum(hidden, 0)
        answers.append(sigmoid(output + weights["model.decoder.decoder.2.bias"][0]))
    return numpy.array(answers)


class Random:
    """Numbers in [-1, 1) that the test can make, too (a linear congruential generator)."""

    def __init__(self):
        self.state = 1

    def values(self, count):
        for _ in range(count):
            self.state = (self.state * 1664525 + 1013904223) % 2**32
            yield (self.state >> 8) / 2**23 - 1


def fixture():
    random = Random()
    weights = {name: numpy.array([value * scale for value in random.values(int(numpy.prod(shape)))], numpy.float32).reshape(shape)
               for name, shape, scale in TENSORS}
    # Noise that is loud in every other three steps.
    loudness = [0.5 if i // 3 % 2 else 0.05 for i in range(FIXTURE_STEPS)]
    signal = numpy.concatenate([[value * gain for value in random.values(STEP)] for gain in loudness]).astype(numpy.float32)
    lines = "\n".join(f"    {value:.9f}F," for value in network(weights, signal))
    print(f"""#pragma once

#include <array>

namespace titans::hearing::vad {{

/// What the network answers with the test's weights and signal. Made by tools/reference/silero_vad.py.
// clang-format off
inline constexpr std::array<float, {FIXTURE_STEPS}> kReference{{
{lines}
}};
// clang-format on

}}  // namespace titans::hearing::vad""")


def read(path):
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2), path
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(numpy.float32) / 32768


def by_onnx(model, signal):
    import onnxruntime
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    state, context = numpy.zeros((2, 1, 128), numpy.float32), numpy.zeros(CONTEXT, numpy.float32)
    answers = []
    for step in steps(signal):
        given = {"input": numpy.concatenate([context, step])[None], "state": state, "sr": numpy.array(16000, numpy.int64)}
        answer, state = session.run(None, given)
        context = step[-CONTEXT:]
        answers.append(answer[0, 0])
    return numpy.array(answers)


def compare(model, recordings):
    import onnx
    weights = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in onnx.load(model).graph.initializer}
    for path in recordings:
        signal = read(path)
        print(f"{numpy.abs(network(weights, signal) - by_onnx(model, signal)).max():.2e}  {path}")


def main():
    match sys.argv[1:]:
        case ["fixture"]:
            fixture()
        case ["probabilities", model, recording]:
            for value in by_onnx(model, read(recording)):
                print(f"{value:.6f}")
        case ["compare", model, *recordings]:
            compare(model, recordings)
        case _:
            sys.exit(__doc__)


main()
