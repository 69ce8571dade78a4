"""Vocos by the vocos package (arXiv:2306.00814): a checkpoint with seeded weights as the hub has it, and every stage of what
it makes of a mel spectrogram, to compare src/voice/ with.

usage: vocoder.py make FOLDER [--size fixture|official] [--seed N] [--type f32|f16|bf16] [--padding center|same] [--frames N | --wav FILE]
       vocoder.py stages CHECKPOINT FOLDER [--seed N] [--frames N | --wav FILE]

The first makes FOLDER anew: config.yaml, pytorch_model.bin; stages.safetensors. The second reads a checkpoint, also a real
one, and makes only the last. Sizes: "official" is charactr/vocos-mel-24khz; "fixture" the same in small, without the filter
bank, for tests/parity.

Stages, float32, [frames, channels]: mel (of a recording, as F5-TTS computes it); embed (the first convolution); norm; block.N;
final_norm; magnitude and phase [frames, 513] (magnitudes at most 100; phases before their cosine and sine); waveform
[samples]; waveform.same or waveform.center, with the other padding. Needs torch, vocos 0.1.0, f5-tts, safetensors.
"""

import argparse
import pathlib

import torch

from f5tts_package import HOP, RATE, VOCODER_SIZES, mel, read_vocoder, seeded_vocoder
from stages import TYPES, Stages, blocks_to_show, empty_folder, read_recording, recording

LENGTHS = {"fixture": 13, "official": 300}


def make(arguments):
    folder = empty_folder(arguments.folders[0])
    model = seeded_vocoder(folder, arguments.size, arguments.padding, arguments.seed, arguments.type)
    weights = dict(model.named_parameters())  # the rest are tables, which no type rounds
    state = {name: value.detach().to(TYPES[arguments.type] if name in weights else torch.float32).contiguous()
             for name, value in model.state_dict().items() if arguments.size != "fixture" or not name.endswith(".fb")}
    torch.save(state, folder / "pytorch_model.bin")


def run(model, features, everything):
    stages = Stages()
    stages.add("mel", features)
    backbone, head = model.backbone, model.head
    stages.after(backbone.embed, "embed", channels_first=True)
    stages.after(backbone.norm, "norm")
    for number in blocks_to_show(len(backbone.convnext), everything):
        stages.after(backbone.convnext[number - 1], f"block.{number}", channels_first=True)
    stages.after(backbone.final_layer_norm, "final_norm")
    bands = head.istft.n_fft // 2 + 1
    stages.after(head.out, "magnitude", then=lambda output: output[:, :bands].exp().clip(max=1e2))
    stages.after(head.out, "phase", then=lambda output: output[:, bands:])
    stages.add("waveform", model.decode(features.T[None])[0])
    head.istft.padding = {"center": "same", "same": "center"}[head.istft.padding]
    stages.add(f"waveform.{head.istft.padding}", model.decode(features.T[None])[0])
    return stages


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("kind", choices=["make", "stages"])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--size", choices=VOCODER_SIZES, default="fixture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--type", choices=TYPES, default="f32")
    parser.add_argument("--padding", choices=["center", "same"], default="center")
    parser.add_argument("--frames", type=int)
    parser.add_argument("--wav", type=pathlib.Path)
    arguments = parser.parse_args()
    if len(arguments.folders) != 1 + (arguments.kind == "stages"):
        parser.error("which folders?")
    checkpoint, folder = arguments.folders[0], arguments.folders[-1]
    folder.mkdir(parents=True, exist_ok=True)
    if arguments.kind == "make":
        make(arguments)
    model = read_vocoder(checkpoint)
    small = len(model.backbone.convnext) <= 4
    if arguments.wav:
        samples = read_recording(arguments.wav, RATE)
    else:
        samples = recording(arguments.seed, (arguments.frames or LENGTHS["fixture" if small else "official"]) * HOP - HOP, RATE)
    stages = run(model, mel(torch.from_numpy(samples)), small)
    stages.save(folder / "stages.safetensors")
    stages.report()


main()
