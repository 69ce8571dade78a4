"""layers_yardstick.py SECONDS LAYER...: computes layers as bench/layers names them by PyTorch, in f32 and in bf16, for
SECONDS each, and prints the median microseconds of each that PyTorch has, as JSON."""

import json
import re
import statistics
import sys
import time

import torch

LINEAR = re.compile(r"linear (\d+) x (\d+) x (\d+)(, GELU)?")
CONVOLUTION = re.compile(r"conv (\d+) x (\d+) to (\d+), k (\d+), stride (\d+), groups (\d+)(?:, (\d+) at once)?$")
ATTENTION = re.compile(r"attention (\d+) x (\d+), (\d+) to (\d+)(?:, (\d+) at once)?$")


def make(name, kind):
    """What computes the layer once; None if it is not of those above."""
    if found := LINEAR.search(name):
        rows, width, out = map(int, found.groups()[:3])
        layer, x = torch.nn.Linear(width, out).to(kind), torch.randn(rows, width).to(kind)
        return (lambda: torch.nn.functional.gelu(layer(x))) if found[4] else (lambda: layer(x))
    if found := CONVOLUTION.search(name):
        length, width, out, kernel, stride, groups = map(int, found.groups()[:6])
        layer = torch.nn.Conv1d(width, out, kernel, stride, kernel // 2 if groups > 1 else 0, groups=groups).to(kind)
        x = torch.randn(int(found[7] or 1), width, length).to(kind)
        return lambda: torch.nn.functional.gelu(layer(x))
    if found := ATTENTION.search(name):
        heads, width, queries, keys = map(int, found.groups()[:4])
        q, k, v = (torch.randn(int(found[5] or 1), heads, count, width).to(kind) for count in (queries, keys, keys))
        return lambda: torch.nn.functional.scaled_dot_product_attention(q, k, v)
    return None


def microseconds(function, seconds):
    for _ in range(2):
        function()
    times, began = [], time.perf_counter()
    while len(times) < 3 or time.perf_counter() - began < seconds:
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return statistics.median(times) * 1e6


def main(seconds, *layers):
    answer = {}
    with torch.inference_mode():
        for name in layers:
            for kind, number in (("f32", torch.float32), ("bf16", torch.bfloat16)):
                if function := make(name, number):
                    answer.setdefault(name, {})[kind] = microseconds(function, float(seconds))
    print(json.dumps({"version": f"torch {torch.__version__}", "us": answer}))


main(*sys.argv[1:])
