"""What the scripts beside this one share: seeded weights and recordings, checkpoints as model hubs have them, and the
stages of a network in one file.

The weights are random, but so scaled that a wrong layer shows: attention that looks at single places and does not
average everything away, residuals that do not drown what is added. `Stages.report` says how much is left of the
differences between places after every stage. The networks run in float64: what they answer is exact.
"""

import json
import pathlib
import re
import shutil
import wave

import numpy
import torch
from safetensors.numpy import save_file as save_arrays
from safetensors.torch import save_file as save_tensors

RATE = 16000
TYPES = {"f32": torch.float32, "f16": torch.float16, "bf16": torch.bfloat16}


# Weights


def fill(model, seed, scales, type_name="f32", embeddings=r"^(?!.*conv).*embed"):
    """Fills the parameters of `model` by one generator: kernels normal / sqrt(fan in), `embeddings` (a pattern of names, in
    any case) normal, the scales of norms 1 + 0.1 normal, biases 0.02 normal, each times the factors of `scales` (patterns of
    names). Rounded to the type that the checkpoint will have."""
    random = numpy.random.default_rng(seed)
    parameters = dict(model.named_parameters())

    def normal(shape):
        return torch.from_numpy(random.standard_normal(tuple(shape), numpy.float32))

    with torch.no_grad():
        for name, parameter in parameters.items():
            factor = 1.0
            for pattern, scale in scales.items():
                if re.search(pattern, name):
                    factor *= scale
            if not parameter.requires_grad:  # a table
                parameter.copy_(parameter.to(TYPES[type_name]))
                continue
            if name.endswith("original0"):  # a weight norm's length, which its direction decides
                continue
            if parameter.ndim >= 2 and not name.endswith((".gamma", ".beta")):
                fan_in = 1 if embeddings and re.search(embeddings, name, re.IGNORECASE) else parameter[0].numel()
                value = normal(parameter.shape) / fan_in**0.5
            elif re.search(r"(norm.*weight|gamma)$", name, re.IGNORECASE):
                value = 1 + 0.1 * normal(parameter.shape)
            else:
                value = 0.02 * normal(parameter.shape)
            parameter.copy_((value * factor).to(TYPES[type_name]))
        for name, parameter in parameters.items():
            if name.endswith("original0"):
                direction = parameters[name.removesuffix("0") + "1"]
                length = direction.square().sum([i for i, size in enumerate(parameter.shape) if size == 1], keepdim=True).sqrt()
                parameter.copy_((length * (1 + 0.1 * normal(parameter.shape))).to(TYPES[type_name]))
    return model.double().eval()


def save_checkpoint(folder, state, type_name, old_format):
    """model.safetensors, and with `old_format` the same as pytorch_model.bin (a zip file with a pickle)."""
    state = {name: value.detach().to(TYPES[type_name]).contiguous() for name, value in state.items()}
    save_tensors(state, str(folder / "model.safetensors"), {"format": "pt"})
    (folder / "model.safetensors").chmod(0o644)
    if old_format:
        torch.save(state, folder / "pytorch_model.bin")


def save_json(path, values):
    """One line for each of the values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (f"  {json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items())
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def empty_folder(path):
    folder = pathlib.Path(path)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


# Recordings


def recording(seed, count, rate=RATE):
    """`count` samples, float32: gliding tones that come and go, and noise."""
    random = numpy.random.default_rng([seed, 1])
    seconds = numpy.arange(count) / rate
    samples = 0.02 * random.standard_normal(count)
    for _ in range(6):
        low, high = numpy.sort(random.uniform(90, 4000, 2))
        glide = low + (high - low) * (0.5 + 0.5 * numpy.sin(2 * numpy.pi * random.uniform(0.3, 3) * seconds + random.uniform(0, 6)))
        loudness = numpy.maximum(0, numpy.sin(2 * numpy.pi * random.uniform(1, 7) * seconds + random.uniform(0, 6)))
        samples += random.uniform(0.05, 0.2) * loudness * numpy.sin(2 * numpy.pi * numpy.cumsum(glide) / rate)
    return (samples / max(1, numpy.abs(samples).max() / 0.9)).astype(numpy.float32)


def read_recording(path, rate=RATE):
    with wave.open(str(path)) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (rate, 1, 2):
            raise SystemExit(f"{path}: not 16-bit PCM of one channel at {rate} Hz")
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(numpy.float32) / 32768


# Stages


class Stages:
    """What a network made on its way, by name: float32, [places, channels]."""

    def __init__(self):
        self.values = {}

    def add(self, name, value):
        value = value.detach() if torch.is_tensor(value) else torch.from_numpy(numpy.ascontiguousarray(value))
        self.values[name] = value.to(torch.float32).contiguous().numpy()

    def after(self, module, name, channels_first=False, then=None):
        """Adds the first output of `module`, of a batch of one, whenever it runs; with `then` done to it."""
        def hook(_module, _inputs, output):
            output = (output[0] if isinstance(output, tuple) else output)[0]
            output = then(output) if then else output
            self.add(name, output.T if channels_first else output)
        return module.register_forward_hook(hook)

    def before(self, module, name):
        """As after(), the first input."""
        def hook(_module, args, kwargs):
            self.add(name, (args[0] if args else kwargs["hidden_states"])[0])
        return module.register_forward_pre_hook(hook, with_kwargs=True)

    def save(self, path):
        save_arrays(self.values, str(path))
        path.chmod(0o644)

    def report(self):
        """Prints of each stage its shape, its rms, and how much it differs between places: the standard deviation
        over the places by the rms."""
        for name, value in self.values.items():
            rms = float(numpy.sqrt(numpy.mean(numpy.square(value, dtype=numpy.float64))))
            spread = float(numpy.sqrt(numpy.mean(numpy.var(value, 0, dtype=numpy.float64)))) / max(rms, 1e-30)
            print(f"{name:28} {'x'.join(map(str, value.shape)):>12}  rms {rms:8.4f}  over the places {spread:6.3f}")


def blocks_to_show(count, everything):
    """Numbers, from 1 on, of the blocks whose outputs are kept: of a large network the first, the middle, the last."""
    return range(1, count + 1) if everything else sorted({1, count // 2, count})


def margin(logits):
    """The least distance between the best and the second best."""
    best = numpy.sort(logits, -1)[..., -2:]
    return float((best[..., 1] - best[..., 0]).min())
