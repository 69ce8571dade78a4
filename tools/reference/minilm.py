"""The exact embeddings of a BERT sentence encoder (all-MiniLM-L6-v2), to compare a converted model with.

usage: minilm.py FOLDER < texts, one a line > embeddings, one JSON list a line

FOLDER holds config.json, model.safetensors and tokenizer.json. Needs numpy and tokenizers. Computes in float64 what
transformers' BertModel, mean pooling and normalisation compute (arXiv:1810.04805, arXiv:1908.10084).
"""

import json
import math
import pathlib
import sys

import numpy
import tokenizers

LONGEST = 256  # tokens: max_seq_length of all-MiniLM-L6-v2


def read_safetensors(path):
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__" and entry["dtype"] == "F32":
            begin, end = (8 + length + offset for offset in entry["data_offsets"])
            tensors[name] = numpy.frombuffer(data[begin:end], "<f4").reshape(entry["shape"]).astype(numpy.float64)
    return tensors


erf = numpy.vectorize(math.erf)


class Encoder:
    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = read_safetensors(folder / "model.safetensors")
        self.tokenizer = tokenizers.Tokenizer.from_file(str(folder / "tokenizer.json"))
        self.tokenizer.no_padding()
        self.tokenizer.enable_truncation(LONGEST)

    def linear(self, x, name):
        return x @ self.weights[name + ".weight"].T + self.weights[name + ".bias"]

    def layer_norm(self, x, name):
        centred = x - x.mean(-1, keepdims=True)
        deviation = numpy.sqrt((centred**2).mean(-1, keepdims=True) + self.config["layer_norm_eps"])
        return centred / deviation * self.weights[name + ".weight"] + self.weights[name + ".bias"]

    def attention(self, x, name):
        heads = self.config["num_attention_heads"]
        # [tokens, width] -> [heads, tokens, width / heads]
        query, key, value = (
            self.linear(x, f"{name}.self.{part}").reshape(len(x), heads, -1).swapaxes(0, 1)
            for part in ("query", "key", "value"))
        scores = query @ key.swapaxes(1, 2) / math.sqrt(query.shape[-1])
        shares = numpy.exp(scores - scores.max(-1, keepdims=True))
        shares /= shares.sum(-1, keepdims=True)
        mixed = (shares @ value).swapaxes(0, 1).reshape(len(x), -1)
        return self.layer_norm(self.linear(mixed, name + ".output.dense") + x, name + ".output.LayerNorm")

    def embed(self, text):
        tokens = self.tokenizer.encode(text).ids
        x = (self.weights["embeddings.word_embeddings.weight"][tokens]
             + self.weights["embeddings.position_embeddings.weight"][:len(tokens)]
             + self.weights["embeddings.token_type_embeddings.weight"][0])
        x = self.layer_norm(x, "embeddings.LayerNorm")
        for layer in range(self.config["num_hidden_layers"]):
            name = f"encoder.layer.{layer}"
            x = self.attention(x, name + ".attention")
            inner = self.linear(x, name + ".intermediate.dense")
            inner *= 0.5 * (1 + erf(inner / math.sqrt(2)))  # GELU
            x = self.layer_norm(self.linear(inner, name + ".output.dense") + x, name + ".output.LayerNorm")
        pooled = x.mean(0)
        return pooled / numpy.linalg.norm(pooled)


def main():
    encoder = Encoder(pathlib.Path(sys.argv[1]))
    for line in sys.stdin:
        print(json.dumps([round(value, 8) for value in encoder.embed(line.rstrip("\n")).tolist()]))


main()
