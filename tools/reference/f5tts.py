"""F5-TTS by the f5-tts package (arXiv:2410.06885): a checkpoint with seeded weights as the hub has it, and every stage of
what it makes of a recording and a text, to compare src/voice/f5tts with.

usage: f5tts.py make FOLDER [--size fixture|base] [--seed N] [--type f32|f16|bf16] [OPTIONS]
       f5tts.py stages CHECKPOINT FOLDER [--seed N] [OPTIONS]
OPTIONS: [--text TEXT] [--reference-text TEXT] [--seconds S | --wav FILE] [--steps N,N...] [--speed X] [--vocoder FOLDER]
         [--architecture v1|base] [--float32]

The first makes FOLDER anew: model_1250000.safetensors, vocab.txt; recording.wav; stages.safetensors; expected.json. The
second reads a checkpoint, also a real one (model*.safetensors, vocab.txt), and makes all but the first two. Sizes: "base" is
F5TTS_v1_Base of SWivid/F5-TTS; "fixture" the same in small, for tests/parity. --vocoder: a folder that vocoder.py made, or of
charactr/vocos-mel-24khz; without it there is no waveform. --architecture: base is F5TTS_Base, whose padding is not masked and
whose positions turn the first head only; a checkpoint does not say which it is. --float32: the network computes so, in half of the time.

Stages, float32, T frames in all: given.recording (24 kHz), given.reference_text and given.text (the bytes of UTF-8), given.seed
(its 16 upper bits, then the 16 lower ones); mel [frames of the recording, 100], of the recording as loud as it becomes; ids (of
the tokens of both texts); noise [T, 100], what the generator of the seed gives; text.conditional and .unconditional
[T, text_dim], what of the text goes into the input; time.X [1, dim], the embedded time X. Of x = noise at the time 0.3:
input.conditional and .unconditional; block.N.conditional and .unconditional; velocity.0.3.conditional and .unconditional.
velocity.X, guided (strength 2), of x = noise at the times X. state.N.K: what the noise is after step K of N, the last one before
the recording's frames are put back. mel.generated (of the last N, what the vocoder gets; [T - whole hops of the recording, 100]);
waveform, of the same, its loudness as the recording's. base.*, where the architecture is v1: the same weights in the other one.

Needs torch, f5-tts 1.1.22, vocos 0.1.0, safetensors.
"""

import argparse
import contextlib
import pathlib
import shutil
import time
from unittest import mock

import numpy
import torch
from safetensors.torch import save_file as save_tensors

from f5tts_package import ARCHITECTURES, HOP, OFFICIAL_VOCABULARY, RATE, SIZES, mel, read_network, read_vocoder, save_wave, seeded_network, utils_infer
from stages import TYPES, Stages, blocks_to_show, empty_folder, read_recording, recording, save_checkpoint, save_json

TIMES = (0.0, 0.05, 0.3, 0.9)
FIXTURE = dict(reference_text="A bird sang", text="“Hi;” 你好, ok 🎉", seconds=0.1875, steps=[7, 16, 32], speed=1.0)
LARGE = dict(reference_text="Some call me nature, others call me mother.", text="I don't really care; 你好，世界 is what I heard.",
             seconds=1.4, steps=[7], speed=1.0)


def vocabulary(path, size):
    """The package's, of a fixture only what ASCII needs and some syllables."""
    lines = OFFICIAL_VOCABULARY.read_text(encoding="utf-8").split("\n")[:-1]
    if size == "fixture":
        kept = {"ni2", "ni3", "hao3", "shi4", "jie4", "a1", "，", "。", "“"}
        lines = [line for line in lines if (len(line) == 1 and line.isascii()) or line in kept]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def make(arguments):
    """The checkpoint as the hub has it: the averaged weights, with what their averaging counts."""
    folder = empty_folder(arguments.folders[0])
    model = seeded_network(arguments.size, "v1", vocabulary(folder / "vocab.txt", arguments.size), arguments.seed, arguments.type)
    table = model.transformer.rotary_embed.inv_freq.float()
    state = {f"ema_model.{name}": value.to(TYPES[arguments.type]) for name, value in model.state_dict().items()}
    state |= {"ema_model.transformer.rotary_embed.inv_freq": table, "initted": torch.tensor(True), "step": torch.tensor(1250000)}
    path = folder / "model_1250000.safetensors"
    save_tensors(state, str(path))
    path.chmod(0o644)


@contextlib.contextmanager
def noise_of_float32():
    """The package draws numbers of the type of its network; those of float64 are others."""
    draw = torch.randn
    with mock.patch("torch.randn", lambda *shape, dtype=None, **more: draw(*shape, dtype=torch.float32, **more).to(dtype)):
        yield


class Capture:
    """In place of the network in the package's infer_batch_process(): samples, and keeps what it was given and made."""

    def __init__(self, model):
        self.model = model
        self.times = []

    def sample(self, cond, text, duration, steps, **options):
        self.text, self.asked = text[0], duration
        self.cond = mel(cond[0])
        first = {}

        def remember(_module, _args, given):
            first.setdefault("given", given)
            self.times.append(float(given["time"]))

        hook = self.model.transformer.register_forward_pre_hook(remember, with_kwargs=True)
        out, self.states = self.model.sample(cond=self.cond[None], text=text, duration=duration, steps=steps, **options)
        hook.remove()
        self.given = first["given"]
        return out, self.states


class CaptureVocoder:
    def __init__(self, model):
        self.model = model

    def decode(self, generated):
        self.mel = generated[0].T
        if not self.model:
            return torch.zeros(1, (generated.shape[-1] - 1) * HOP)
        return self.model.decode(generated.double())


def speak(model, vocoder, samples, arguments, steps):
    """By the package; what its parts were given, and the waveform."""
    network, speaker = Capture(model), CaptureVocoder(vocoder)
    torch.manual_seed(arguments.seed)
    with noise_of_float32():
        wave, _, _ = next(utils_infer.infer_batch_process(
            (torch.from_numpy(samples)[None], RATE), arguments.reference_text, [arguments.text], network, speaker, progress=None,
            nfe_step=steps, speed=arguments.speed))
    return network, speaker, wave


def look(stages, model, given, architecture, everything):
    """The stages of one evaluation at each of TIMES."""
    transformer = model.transformer
    both = ("conditional", "unconditional")
    shown = blocks_to_show(len(transformer.transformer_blocks), everything)

    def run(moment, prefix, detailed):
        texts, inputs, hooks = [], [], []
        if detailed:
            hooks.append(transformer.text_embed.register_forward_hook(lambda _m, _i, output: texts.append(output[0])))
            hooks.append(transformer.input_embed.register_forward_hook(lambda _m, _i, output: inputs.append(output[0])))
            for number in shown:
                def add(_module, _inputs, output, number=number):
                    for branch, name in enumerate(both):
                        stages.add(f"{prefix}block.{number}.{name}", output[branch])
                hooks.append(transformer.transformer_blocks[number - 1].register_forward_hook(add))
        hooks.append(transformer.time_embed.register_forward_hook(
            lambda _m, _i, output: stages.add(f"time.{moment}", output) if not prefix else None))
        with torch.no_grad():
            velocity = transformer(**(given | {"time": torch.tensor(moment, dtype=given["x"].dtype), "cache": False}))
        for hook in hooks:
            hook.remove()
        if detailed:
            for name, text, value, one in zip(both, texts, inputs, velocity):
                stages.add(f"{prefix}text.{name}", text)
                if not prefix:
                    stages.add(f"input.{name}", value)
                    stages.add(f"velocity.{moment}.{name}", one)
        stages.add(f"{prefix}velocity.{moment}", velocity[0] + (velocity[0] - velocity[1]) * utils_infer.cfg_strength)

    for moment in TIMES:
        run(moment, "", moment == 0.3)
    if architecture == "base":
        return
    masked = transformer.text_embed.mask_padding
    transformer.text_embed.mask_padding = False
    for block in transformer.transformer_blocks:
        block.attn.processor.pe_attn_head = 1
    run(0.3, "base.", True)
    transformer.text_embed.mask_padding = masked
    for block in transformer.transformer_blocks:
        block.attn.processor.pe_attn_head = None
    for name in [name for name in stages.values if name.startswith("base.block.") or name == "base.text.unconditional"]:
        del stages.values[name]


def middle_steps(count, everything):
    """After which of `count` steps the state is kept."""
    return [count] if everything and count != 7 else sorted({count // 2 + 1, count})


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("kind", choices=["make", "stages"])
    parser.add_argument("folders", nargs="+", type=pathlib.Path)
    parser.add_argument("--size", choices=SIZES, default="fixture")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--type", choices=TYPES, default="f32")
    parser.add_argument("--text")
    parser.add_argument("--reference-text")
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--wav", type=pathlib.Path)
    parser.add_argument("--steps", type=lambda value: [int(number) for number in value.split(",")])
    parser.add_argument("--speed", type=float)
    parser.add_argument("--vocoder", type=pathlib.Path)
    parser.add_argument("--architecture", choices=ARCHITECTURES, default="v1")
    parser.add_argument("--float32", action="store_true")
    arguments = parser.parse_args()
    if len(arguments.folders) != 1 + (arguments.kind == "stages"):
        parser.error("which folders?")
    checkpoint, folder = arguments.folders[0], arguments.folders[-1]
    folder.mkdir(parents=True, exist_ok=True)
    started = time.perf_counter()
    if arguments.kind == "make":
        make(arguments)
        print(f"checkpoint: {time.perf_counter() - started:.1f} s")
    model = read_network(checkpoint, arguments.architecture)
    if arguments.float32:
        model.float()
    small = len(model.transformer.transformer_blocks) <= 4
    for name, value in (FIXTURE if small else LARGE).items():
        if getattr(arguments, name) is None:
            setattr(arguments, name, value)
    if not arguments.reference_text.endswith((". ", "。")):  # as preprocess_ref_audio_text() leaves it
        arguments.reference_text += " " if arguments.reference_text.endswith(".") else ". "
    if arguments.wav:
        shutil.copyfile(arguments.wav, folder / "recording.wav")
    else:
        samples = 0.3 * recording(arguments.seed, int(arguments.seconds * RATE), RATE)  # so quiet that it is raised
        save_wave(folder / "recording.wav", numpy.round(samples[:, None] * 32768), RATE)
    samples = read_recording(folder / "recording.wav", RATE)
    vocoder = read_vocoder(arguments.vocoder) if arguments.vocoder else None

    started = time.perf_counter()
    stages = Stages()
    schedules = {}
    for steps in arguments.steps:
        network, speaker, wave = speak(model, vocoder, samples, arguments, steps)
        if not stages.values:
            stages.add("given.recording", samples)
            for name in ("reference_text", "text"):
                stages.add(f"given.{name}", numpy.frombuffer(getattr(arguments, name).encode(), numpy.uint8))
            stages.add("given.seed", numpy.array(divmod(arguments.seed, 1 << 16)))
            stages.add("mel", network.cond)
            ids = network.given["text"][0]
            stages.add("ids", ids)
            stages.add("noise", network.states[0][0])
            look(stages, model, network.given, arguments.architecture, small)
        schedules[str(steps)] = [*network.times, 1.0]
        for step in middle_steps(steps, small):
            stages.add(f"state.{steps}.{step}", network.states[step][0])
        print(f"{steps} steps: {time.perf_counter() - started:.1f} s")
    stages.add("mel.generated", speaker.mel)
    if vocoder:
        stages.add("waveform", wave)
    stages.save(folder / "stages.safetensors")
    rms = float(torch.sqrt(torch.mean(torch.square(torch.from_numpy(samples)))))
    save_json(folder / "expected.json", {
        "seed": arguments.seed, "reference_text": arguments.reference_text, "text": arguments.text, "speed": arguments.speed,
        "cfg_strength": utils_infer.cfg_strength, "sway_sampling_coef": utils_infer.sway_sampling_coef,
        "tokens": network.text, "ids": ids.tolist(), "rms": rms, "reference_frames": len(samples) // HOP,
        "mel_frames": len(network.cond), "frames_asked": network.asked, "frames": network.states.shape[2],
        "samples": len(wave), "times": schedules})
    stages.report()


main()
