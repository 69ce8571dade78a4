"""Our file of a Whisper model as `whisper-cli` reads it: whisper.cpp has a format of its own (its models/README.md)."""

import struct

import numpy

NUMBERS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
TEXT, LIST = 8, 9
F32, F16, BF16 = 0, 1, 30
FFT, RATE = 400, 16000
# Of a layer, and of what stands around the layers.
NAMES = {"self_attn.q_proj": "attn.query", "self_attn.k_proj": "attn.key", "self_attn.v_proj": "attn.value",
         "self_attn.out_proj": "attn.out", "self_attn_layer_norm": "attn_ln", "encoder_attn.q_proj": "cross_attn.query",
         "encoder_attn.k_proj": "cross_attn.key", "encoder_attn.v_proj": "cross_attn.value",
         "encoder_attn.out_proj": "cross_attn.out", "encoder_attn_layer_norm": "cross_attn_ln", "fc1": "mlp.0", "fc2": "mlp.2",
         "final_layer_norm": "mlp_ln"}
AROUND = {"encoder.embed_positions.weight": "encoder.positional_embedding",
          "decoder.embed_positions.weight": "decoder.positional_embedding",
          "decoder.embed_tokens.weight": "decoder.token_embedding.weight", "encoder.layer_norm.weight": "encoder.ln_post.weight",
          "encoder.layer_norm.bias": "encoder.ln_post.bias", "decoder.layer_norm.weight": "decoder.ln.weight",
          "decoder.layer_norm.bias": "decoder.ln.bias"}


class Gguf:
    """The facts and tensors of a GGUF file whose tensors are not quantised."""

    def __init__(self, path):
        self.bytes = numpy.memmap(path, mode="r")
        self.at = 4
        _, tensors, facts = self.take("IQQ")
        self.facts = {}
        for _ in range(facts):
            key = self.text()
            self.facts[key] = self.value(*self.take("I"))
        places = []
        for _ in range(tensors):
            name = self.text()
            shape = self.take(f"{self.take('I')[0]}Q")[::-1]
            places.append((name, shape, *self.take("IQ")))
        alignment = self.facts.get("general.alignment", 32)
        begin = (self.at + alignment - 1) // alignment * alignment
        self.tensors = {name: self.tensor(begin + offset, shape, kind) for name, shape, kind, offset in places}

    def take(self, kinds):
        values = struct.unpack_from("<" + kinds, self.bytes, self.at)
        self.at += struct.calcsize("<" + kinds)
        return values

    def text(self):
        length, = self.take("Q")
        self.at += length
        return self.bytes[self.at - length:self.at].tobytes().decode()

    def value(self, kind):
        if kind == TEXT:
            return self.text()
        if kind == LIST:
            of, count = self.take("IQ")
            return [self.value(of) for _ in range(count)]
        return self.take(NUMBERS[kind])[0]

    def tensor(self, begin, shape, kind):
        count = int(numpy.prod(shape))
        size = {F32: 4, F16: 2, BF16: 2}[kind]
        data = self.bytes[begin:begin + count * size].view({F32: "<f4", F16: "<f2", BF16: "<u2"}[kind])
        if kind == BF16:
            data = (data.astype("<u4") << 16).view("<f4")
        return data.reshape(shape)


def mel_filters(count):
    """[count, FFT / 2 + 1]: triangles of equal area on Slaney's scale, which is linear below 1 kHz and logarithmic above."""
    def hertz(mel):
        return numpy.where(mel < 15, mel * 200 / 3, 1000 * numpy.exp((mel - 15) * numpy.log(6.4) / 27))
    highest = 15 + numpy.log(RATE / 2 / 1000) * 27 / numpy.log(6.4)
    low, peak, high = (hertz(numpy.linspace(0, highest, count + 2))[i:count + i, None] for i in range(3))
    bins = numpy.arange(FFT // 2 + 1) * RATE / FFT
    return (numpy.maximum(0, numpy.minimum((bins - low) / (peak - low), (high - bins) / (high - peak)))
            * 2 / (high - low)).astype("<f4")


def byte_spellings():
    """How byte-level BPE spells each byte: printable ones as themselves, the others by the characters from U+0100 on."""
    printed = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    spelled = {chr(byte): byte for byte in printed}
    for number, byte in enumerate(byte for byte in range(256) if byte not in printed):
        spelled[chr(0x100 + number)] = byte
    return spelled


def openai_name(name):
    if name in AROUND:
        return AROUND[name]
    if ".layers." not in name:
        return name
    side, rest = name.split(".layers.")
    layer, rest = rest.split(".", 1)
    module, what = rest.rsplit(".", 1)
    return f"{side}.blocks.{layer}.{NAMES[module]}.{what}"


def write(model, out):
    gguf = Gguf(model)
    facts = {key.removeprefix("whisper."): value for key, value in gguf.facts.items()}
    with open(out, "wb") as file:
        def number(*values):
            file.write(struct.pack(f"<{len(values)}i", *values))
        number(0x67676D6C, *(facts[key] for key in (
            "vocab_size", "max_source_positions", "d_model", "encoder_attention_heads", "encoder_layers",
            "max_target_positions", "d_model", "decoder_attention_heads", "decoder_layers", "num_mel_bins")), F16)
        number(facts["num_mel_bins"], FFT // 2 + 1)
        file.write(mel_filters(facts["num_mel_bins"]).tobytes())
        tokens = facts["tokenizer.tokens"]
        tokens = tokens[:tokens.index("<|endoftext|>")]  # the program knows the others
        spelled = byte_spellings()
        number(len(tokens))
        for token in tokens:
            data = bytes(spelled[character] for character in token)
            number(len(data))
            file.write(data)
        for name, values in gguf.tensors.items():
            if ".conv" in name and name.endswith(".bias"):
                values = values[:, None]
            is_matrix = values.ndim > 1 and name.endswith(".weight") and "positions" not in name
            data = openai_name(name).encode()
            number(values.ndim, len(data), F16 if is_matrix else F32, *values.shape[::-1])
            file.write(data)
            file.write(values.astype("<f2" if is_matrix else "<f4").tobytes())
