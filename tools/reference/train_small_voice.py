"""A small F5-TTS and a small Vocos that speak: trained by their packages' modules to say five sentences by heart, and saved as
the hub has the large ones. To hear what steps, types and the whole way from a text to a sound do to speech; other texts, and
other voices, become noise.

usage: train_small_voice.py network|vocoder FOLDER [--minutes N] [--recordings FOLDER]

Both read four recordings of "Sense and Sensibility", read aloud for LibriVox: the folder test/data/librivox of PocketSphinx, in
Debian's pocketsphinx-testdata, where it is found by itself. The end of one is the recording that speech follows; the others,
cut into five, are stretched to the lengths that F5-TTS gives their texts after it. FOLDER gets recording.wav, its text and the
sentences in sentences.json, and 1.wav to 5.wav, which is what is learned; then, every minute,

    network   f5tts/: model_STEP.safetensors, the averaged weights; vocab.txt. dim 256, 4 blocks
    vocoder   vocos/: pytorch_model.bin, config.yaml. dim 192, 6 blocks; by spectra alone, without discriminators

The losses are printed. After 5500 steps of the one and 7700 of the other (53 and 40 minutes on a part of one core each, with
AVX-512 BF16; losses 0.06 and 0.76) Whisper base hears what is said.

Needs torch, f5-tts 1.1.22, vocos 0.1.0, safetensors, pydub, ffmpeg.
"""

import argparse
import copy
import json
import math
import pathlib
import random
import subprocess
import tempfile
import time

import numpy
import torch
import yaml
from safetensors.torch import save_file as save_tensors
from vocos import Vocos

# First: it knows what may be missing.
from f5tts_package import ARCHITECTURES, HOP, RATE, f5_modules, load_wave, network, save_wave, utils_infer, vocoder_config
from f5_tts.model.utils import convert_char_to_pinyin
from stages import save_json

RECORDINGS = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
FILE = "sense_and_sensibility_01_austen_64kb-{}"
REFERENCE = ("0880", ["He was not", "An ill disposed young man."])
SENTENCES = [
    ("0870", ["And Mister John Dashwood had then leisure.", "To consider how much there might be.",
              "Prudently in his power to do for them."]),
    ("0890", ["Unless to be rather cold hearted."]),
    ("0930", ["He might even have been made amiable himself."]),
]
SIZE = dict(dim=256, depth=4, heads=4, ff_mult=2, text_dim=128, conv_layers=2)
VOCODER_SIZE = dict(dim=192, intermediate_dim=576, num_layers=6)
MARGIN = 0.03  # seconds around the words of a piece
TARGET_RMS = 0.1  # the package's
SIZES_OF_SPECTRA = (256, 512, 1024, 2048)  # that the vocoder's loss compares


# Recordings


def pieces(recordings, file, texts):
    """float32 at 24 kHz, one for each text: the recording, cut between its words."""
    name = FILE.format(file)
    words = [word for word in json.loads((recordings / f"{name}.json").read_text())["w"] if not word["t"].startswith("<")]
    samples = by_ffmpeg(recordings / f"{name}.wav", [])
    for text in texts:
        here, words = words[:len(text.split())], words[len(text.split()):]
        begin, end = here[0]["b"] - MARGIN, here[-1]["b"] + here[-1]["d"] + MARGIN
        cut = samples[round(begin * RATE):round(end * RATE)].copy()
        slope = numpy.linspace(0, 1, round(MARGIN * RATE / 2), dtype=numpy.float32)
        cut[:len(slope)] *= slope
        cut[-len(slope):] *= slope[::-1]
        yield cut


def by_ffmpeg(path, filters):
    """The samples of a WAV file at 24 kHz, float32."""
    filters = ",".join([*filters, f"aresample={RATE}"])
    command = ["ffmpeg", "-v", "error", "-i", path, "-af", filters, "-ac", "1", "-f", "f32le", "-"]
    return numpy.frombuffer(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout, "<f4")


def save(path, samples):
    save_wave(path, numpy.clip(numpy.round(samples * 32768), -32768, 32767)[:, None], RATE)


def stretched(samples, count):
    """As speech that takes `count` samples."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "piece.wav"
        save(path, samples)
        samples = by_ffmpeg(path, [f"atempo={len(samples) / count}"])
    return numpy.pad(samples[:count], (0, max(0, count - len(samples))))


def prepare(recordings, folder):
    """Writes the recording and the sentences; (samples of the recording, [(tokens, samples of the sentence)]), as loud as the
    package makes them."""
    folder.mkdir(parents=True, exist_ok=True)
    save(folder / "recording.wav", [*pieces(recordings, *REFERENCE)][-1])
    path, text = utils_infer.preprocess_ref_audio_text(str(folder / "recording.wav"), REFERENCE[1][-1], show_info=lambda _: None)
    reference = load_wave(path)[0][0].numpy()
    text += " "  # as infer_batch_process() does
    loudness = max(1, TARGET_RMS / float(numpy.sqrt(numpy.square(reference).mean())))
    sentences, said = [], []
    for file, texts in SENTENCES:
        for sentence, samples in zip(texts, pieces(recordings, file, texts)):
            frames = int(len(reference) // HOP / len(text.encode()) * len(sentence.encode()))
            print(f"{sentence} {len(samples) / RATE:.2f} s become {frames * HOP / RATE:.2f}", flush=True)
            samples = stretched(samples, frames * HOP)
            said.append(sentence)
            save(folder / f"{len(said)}.wav", samples)
            sentences.append((convert_char_to_pinyin([text + sentence]), samples * loudness))
    save_json(folder / "sentences.json", {"recording": REFERENCE[1][-1], "sentences": said})
    return reference * loudness, sentences


def mel(samples):
    """[frames, 100], float32."""
    return f5_modules.get_vocos_mel_spectrogram(torch.from_numpy(samples.astype(numpy.float32))[None])[0].T


# Training


class Schedule:
    """Minutes of training: warms up, then by a cosine to a hundredth. Keeps the average of the weights."""

    def __init__(self, model, rate, minutes):
        self.model, self.peak, self.seconds = model, rate, 60 * minutes
        self.optimizer = torch.optim.AdamW(model.parameters(), rate, betas=(0.9, 0.99), weight_decay=0.01)
        self.average = copy.deepcopy(model).eval()
        self.begin = self.saved = time.monotonic()
        self.step, self.losses = 0, []

    def rate(self, part):
        return self.peak * min(1, self.step / 100) * (0.01 + 0.99 * (1 + math.cos(math.pi * part)) / 2)

    def advance(self, loss):
        """After a backward pass. False when the time is over."""
        part = min(1, (time.monotonic() - self.begin) / self.seconds)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate(part)
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.step += 1
        self.losses.append(loss)
        kept = min(0.998, self.step / (10 + self.step))
        with torch.no_grad():
            for mean, value in zip(self.average.parameters(), self.model.parameters()):
                mean.lerp_(value, 1 - kept)
        return part < 1

    def save_now(self):
        """Once a minute, and at the end."""
        now = time.monotonic()
        if now - self.saved < 60 and now - self.begin < self.seconds:
            return False
        print(f"{(now - self.begin) / 60:.1f} min, step {self.step}: loss {sum(self.losses) / len(self.losses):.4f}", flush=True)
        self.saved, self.losses = now, []
        return True


def attention(query, key, value, **options):
    """In place of PyTorch's own, which in some of its builds is far slower in BF16. Nothing is masked."""
    return torch.softmax(query @ key.transpose(-1, -2) / query.shape[-1]**0.5, -1).to(value.dtype) @ value


def train_network(folder, reference, sentences, minutes):
    """What CFM.forward() teaches, of one use: after all of the recording, all of a sentence."""
    (folder / "f5tts").mkdir(exist_ok=True)
    vocabulary = folder / "f5tts/vocab.txt"
    letters = sorted({letter for (tokens,), _ in sentences for letter in tokens} | set(map(chr, range(32, 127))))
    vocabulary.write_text("".join(letter + "\n" for letter in letters), encoding="utf-8")
    model = network(SIZE | ARCHITECTURES["v1"] | {"dropout": 0.0}, vocabulary).train()
    schedule = Schedule(model, 1.2e-3, minutes)
    tokens = [torch.tensor([[model.vocab_char_map[letter] for letter in text] for text in texts]) for texts, _ in sentences]
    before, spectra = mel(reference), [mel(samples)[1:] for _, samples in sentences]
    torch.nn.functional.scaled_dot_product_attention = attention
    going = True
    while going:
        total = 0.0
        order = random.sample(range(len(sentences)), 2)
        for place, index in enumerate(order):
            # Silence at the recording's ends is not always cut at the same frame.
            early, late = random.randint(0, 3), random.randint(0, 2)
            known = before[early:len(before) - late]
            wanted = torch.cat([known, spectra[index]])[None].repeat(2, 1, 1)
            given = torch.cat([known, torch.zeros_like(spectra[index])])[None].repeat(2, 1, 1)
            moments = (torch.rand(2) + torch.tensor([place, place + 2])) / 4
            noise = torch.randn_like(wanted)
            mixed = torch.lerp(noise, wanted, moments[:, None, None])
            nothing = random.random() < 0.15
            with torch.autocast("cpu", torch.bfloat16):
                flow = model.transformer(x=mixed, cond=given, text=tokens[index].repeat(2, 1), time=moments,
                                         drop_audio_cond=nothing or random.random() < 0.1, drop_text=nothing)
            loss = (flow.float() - (wanted - noise))[:, len(known):].square().mean() / 2
            loss.backward()
            total += loss.item()
        going = schedule.advance(total)
        if schedule.save_now():
            state = {f"ema_model.{name}": value.contiguous() for name, value in schedule.average.state_dict().items()}
            state |= {"initted": torch.tensor(True), "step": torch.tensor(schedule.step)}
            for old in (folder / "f5tts").glob("model_*.safetensors"):
                old.unlink()
            path = folder / f"f5tts/model_{schedule.step}.safetensors"
            save_tensors(state, str(path))
            path.chmod(0o644)


def magnitudes(samples, size):
    """[batch, bands, frames]."""
    spectrum = torch.stft(samples, size, size // 4, window=torch.hann_window(size), return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt()


def spectral_distance(made, wanted):
    """Of [batch, samples]: in all resolutions, of magnitudes and of their logarithms."""
    distance = 0
    for size in SIZES_OF_SPECTRA:
        one, other = magnitudes(made, size), magnitudes(wanted, size)
        distance = distance + (one - other).norm() / other.norm() + (one.clamp(1e-4).log() - other.clamp(1e-4).log()).abs().mean()
    return distance / len(SIZES_OF_SPECTRA)


def train_vocoder(folder, reference, sentences, minutes):
    (folder / "vocos").mkdir(exist_ok=True)
    config = vocoder_config("official", "center")
    config["backbone"]["init_args"] |= VOCODER_SIZE
    config["head"]["init_args"]["dim"] = VOCODER_SIZE["dim"]
    path = folder / "vocos/config.yaml"
    path.write_text(yaml.safe_dump(config, sort_keys=False))
    model = Vocos.from_hparams(path).train()
    schedule = Schedule(model, 1e-3, minutes)
    clips = [torch.from_numpy(samples.astype(numpy.float32)) for samples in [reference, *(samples for _, samples in sentences)]]
    length = 64 * HOP
    going = True
    while going:
        wanted = []
        for clip in random.choices(clips, weights=[len(clip) for clip in clips], k=8):
            begin = random.randrange(len(clip) - length)
            wanted.append(clip[begin:begin + length] * random.uniform(0.5, 1.2))
        wanted = torch.stack(wanted)
        features = f5_modules.get_vocos_mel_spectrogram(wanted)
        noisy = features + torch.randn_like(features) * 0.1 * torch.rand(8, 1, 1)  # what a network makes is not exact
        with torch.autocast("cpu", torch.bfloat16):
            hidden = model.backbone(noisy)
        made = model.head(hidden.float())
        loss = spectral_distance(made, wanted) + (f5_modules.get_vocos_mel_spectrogram(made) - features).abs().mean()
        loss.backward()
        going = schedule.advance(loss.item())
        if schedule.save_now():
            torch.save({name: value.contiguous() for name, value in schedule.average.state_dict().items()},
                       folder / "vocos/pytorch_model.bin")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n\n")[0])
    parser.add_argument("part", choices=["network", "vocoder"])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--recordings", type=pathlib.Path, default=RECORDINGS)
    arguments = parser.parse_args()
    random.seed(1)
    torch.manual_seed(1)
    recording, sentences = prepare(arguments.recordings, arguments.folder)
    train = {"network": train_network, "vocoder": train_vocoder}[arguments.part]
    train(arguments.folder, recording, sentences, arguments.minutes)


main()
