"""embedding_yardstick.py FOLDER f32|bf16 RUNS PASSAGES TOKENS: embeds so many passages of so many tokens by
sentence-transformers, its batches as they come, and prints what was measured as JSON: medians, in seconds; memory in MB.
FOLDER holds the model."""

import json
import random
import resource
import statistics
import sys
import time

import sentence_transformers
import torch


def main(folder, kind, runs, passages, tokens):
    started = time.perf_counter()
    model = sentence_transformers.SentenceTransformer(
        folder, device="cpu", model_kwargs={"dtype": {"f32": torch.float32, "bf16": torch.bfloat16}[kind]})
    loaded = time.perf_counter() - started
    words = [word for word in model.tokenizer.get_vocab() if word.isascii() and word.isalpha() and word.islower()]
    chance = random.Random(1871)
    # The network has two tokens more than the passage has words, each of which is one.
    texts = [" ".join(chance.choices(sorted(words), k=int(tokens) - 2)) for _ in range(int(passages))]
    assert len(model.tokenizer(texts[0])["input_ids"]) == int(tokens)
    model.encode(texts[:64])
    times = []
    for _ in range(int(runs)):
        started = time.perf_counter()
        model.encode(texts)
        times.append(time.perf_counter() - started)
    print(json.dumps({"version": f"sentence-transformers {sentence_transformers.__version__}, torch {torch.__version__}", "type": kind,
                      "passages": int(passages), "tokens": int(tokens), "load_s": loaded, "s": statistics.median(times),
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


main(*sys.argv[1:])
