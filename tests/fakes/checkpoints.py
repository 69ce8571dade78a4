"""F5-TTS and its vocoder of the official sizes as the hub has them, with seeded weights: made without PyTorch, in seconds.

The numbers are so large that what is spoken is finite and loud, not that it is speech.
"""

import json
import math
import pathlib
import re
import struct
import zipfile
from io import BytesIO

import numpy

PARITY = pathlib.Path(__file__).parents[1] / "parity"
TOKENS = 2545
# What the kernels of some layers are multiplied with beside 1 / sqrt(fan in): as tools/reference/f5tts_package.py has them.
FACTORS = {r"input_embed\.proj\.weight": 0.15, r"to_[qk]\.weight": 1.5, r"to_out\.0\.weight": 0.5, r"(attn_norm|norm_out)\.linear\.weight": 1.5,
           r"proj_out\.weight": 2, r"head\.out\.weight": 0.5, r"(grn|convnext\.\d+)\.gamma": 0.5}


class Numbers:
    """Normally distributed ones, by a seed; cheap, because all tensors are parts of the same eight million."""

    def __init__(self, seed):
        self.random = numpy.random.default_rng(seed)
        self.normal = self.random.standard_normal(1 << 23, numpy.float32)

    def tensor(self, name, shape):
        count = math.prod(shape)
        first = self.random.integers(len(self.normal) - count)
        values = self.normal[first:first + count]
        if name.endswith("inv_freq"):
            return 10000 ** -(numpy.arange(count, dtype=numpy.float32) / count)
        if re.search(r"(norm.*weight|gamma)$", name) and len(shape) in (1, 4):
            values = 1 + 0.1 * values
        elif len(shape) == 1 or name.endswith("beta"):
            values = 0.02 * values
        elif "text_embed.text_embed" not in name:
            values = values / math.prod(shape[1:]) ** 0.5
        for pattern, factor in FACTORS.items():
            if re.search(pattern, name):
                values = values * numpy.float32(factor)
        return values


def official(file):
    """(name, shape) of each tensor of a list in tests/parity/official."""
    for line in (PARITY / "official" / file).read_text().splitlines():
        if not line.startswith("#"):
            name, shape, _ = line.split("\t")
            yield name, [int(size) for size in shape.split("x")]


def safetensors(tensors, numbers):
    """tensors: (name, shape)s, of float32. Returns a bytearray."""
    header, end = {}, 0
    for name, shape in tensors:
        begin, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file = bytearray(8 + len(text) + end)
    file[:8 + len(text)] = struct.pack("<Q", len(text)) + text
    content = numpy.frombuffer(file, numpy.float32, offset=8 + len(text))
    for name, about in header.items():
        begin, end = (offset // 4 for offset in about["data_offsets"])
        content[begin:end] = numbers.tensor(name, about["shape"])
    return file


def pickled(value):
    """In protocol 2: of str, bool, int, tuple, and of bytes that are pickled already."""
    if isinstance(value, bytes):
        return value
    if isinstance(value, bool):
        return b"\x88" if value else b"\x89"
    if isinstance(value, int):
        return b"J" + struct.pack("<i", value)
    if isinstance(value, str):
        return b"X" + struct.pack("<I", len(value.encode())) + value.encode()
    return b"(" + b"".join(map(pickled, value)) + b"t"


def pytorch_file(tensors):
    """{name: float32 array} as torch.save() writes it: a zip of a pickle and of the numbers."""
    items, file = b"", BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for key, (name, values) in enumerate(tensors.items()):
            archive.writestr(f"pytorch_model/data/{key}", values.astype("<f4").tobytes())
            storage = pickled(("storage", b"ctorch\nFloatStorage\n", str(key), "cpu", values.size)) + b"Q"
            strides = tuple(math.prod(values.shape[i + 1:]) for i in range(values.ndim))
            hooks = b"ccollections\nOrderedDict\n)R"
            items += pickled(name) + b"ctorch._utils\n_rebuild_tensor_v2\n" + pickled(
                (storage, 0, values.shape, strides, False, hooks)) + b"R"
        archive.writestr("pytorch_model/data.pkl", b"\x80\x02}(" + items + b"u.")
        archive.writestr("pytorch_model/version", b"3\n")
    return file.getvalue()


def vocabulary():
    """As many tokens as the official one has, those of ASCII among them."""
    tokens = [chr(code) for code in range(32, 127)]
    return "".join(f"{token}\n" for token in tokens + [f"made{i}" for i in range(TOKENS - len(tokens))]).encode()


def vocoder_config():
    text = (PARITY / "vocos/config.yaml").read_text()
    for small, large in (("dim: 32", "dim: 512"), ("dim: 96", "dim: 1536"), ("layers: 2", "layers: 8")):
        text = text.replace(small, large)
    return text.encode()


def vocoder(numbers):
    weights = {name: numbers.tensor(name, shape).reshape(shape) for name, shape in official("vocos-mel-24khz.txt")}
    weights["head.out.bias"][:513] += 1  # as loud as speech
    weights["head.out.weight"][513:] *= 4
    weights["head.istft.window"] = numpy.hanning(1025)[:1024].astype(numpy.float32)
    return pytorch_file(weights)


def large_voice_repositories(seed):
    """What hub.voice_repositories() has, but F5TTS_v1_Base and Vocos in full size; F5TTS_Base cannot be used."""
    numbers = Numbers(seed)
    return {"SWivid/F5-TTS": {"F5TTS_v1_Base/model_1250000.safetensors": safetensors(official("f5-tts.txt"), numbers),
                              "F5TTS_v1_Base/vocab.txt": vocabulary(), "F5TTS_Base/model_1200000.safetensors": b"none"},
            "charactr/vocos-mel-24khz": {"pytorch_model.bin": vocoder(numbers), "config.yaml": vocoder_config()}}
