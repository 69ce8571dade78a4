"""What the f5-tts package makes of recordings and texts before and after its network: which part of a recording it takes,
how loud that is, the tokens, the chunks, how long each becomes, how many samples there are in the end; and PyTorch's noise.
To compare with what our reference mode does.

usage: f5tts_behaviour.py FILE

FILE becomes JSON. The recordings are described, not stored: `parts` of milliseconds and loudness, one after the other; from
x = seed on, for each sample of each channel of each part, in their order,

    x = (1664525 x + 1013904223) mod 2^32;   sample = ((x >> 16) - 32768) * loudness >> 15   (16 bit, rounded down)

A part has rate * milliseconds / 1000 samples a channel, rounded down. `weighted_sum`: the sum of (i + 1) * sample i, of all
the channels interleaved, modulo 2^32. `rms`: of float samples.
`cut`: why it was cut to 12 s: 1 at a long pause, 2 at a short one, 3 anywhere. Needs torch, f5-tts 1.1.22, vocos 0.1.0, pydub.
"""

import concurrent.futures
import pathlib
import re
import sys
import tempfile
import wave

import numpy
import torch

from f5tts_package import OFFICIAL_VOCABULARY, load_wave, save_wave, seeded_network, seeded_vocoder, utils_infer
from f5_tts.model.utils import convert_char_to_pinyin
from stages import save_json

LOUD, QUIET, BREATH = 12000, 2400, 60  # BREATH: under -50 dB
RECORDINGS = {
    # Long pauses: it ends at the last one before 12 s.
    "pauses": dict(seed=1, rate=24000, channels=1, reference_text="He was a quiet man, and few people knew him well",
                   parts=[(700, 0), (3300, QUIET), (1500, BREATH), (3000, QUIET), (1800, 0), (3100, QUIET), (1200, BREATH), (4000, QUIET), (400, 0)]),
    # Short pauses only: found by the second attempt.
    "breaths": dict(seed=2, rate=44100, channels=2, reference_text="我们今天去公园散步，天气很好。",
                    parts=[(130, 0), (4000, LOUD), (300, BREATH), (3500, LOUD), (250, BREATH), (3900, LOUD), (350, BREATH), (5000, LOUD), (90, 0)]),
    # No pause at all: cut at 12 s.
    "endless": dict(seed=3, rate=16000, channels=1, reference_text="Some call me nature, others call me mother nature.",
                    parts=[(13250, LOUD)]),
    # Short and very quiet, a length that is not whole milliseconds.
    "whisper": dict(seed=4, rate=22050, channels=1, reference_text="It was late. ",
                    parts=[(333, 0), (1777, 1000), (45, 0), (1999, 900), (521, BREATH)]),
}
TEXTS = [
    "Hello.",
    "Yes, I heard you the first time.",
    "The house stood at the end of a narrow lane, and for years nobody had lived in it. In summer the children of the village "
    "dared each other to touch its door; in winter the snow lay on its steps and no foot broke it. Then, one evening in March, "
    "a light was seen behind the shutters: small, yellow, and quite steady! Who had lit it? Nobody could say, and nobody went to "
    "ask. By morning it was gone, but the snow in front of the door had been swept away, and there was smoke above the roof.",
    "你好，世界。今天天气很好，我们去公园散步吧。",
    "我在银行用iPhone听音乐，not bad吧？OK！",
    "On 3 May 2026 it cost $1,234.56; that's 7% more than in 2025.",
    "“I can’t go,” she said; ‘not today’ was all that followed…",
    "Great job! 🎉 See you at 8 😀.",
    "Hi,there a-b word(other): x=1, y='two' \"three\"",
    "第一次见到他，是在一个下雨的晚上。他站在银行门口，手里拿着一把破旧的雨伞；我问他要去哪里？他说不知道！后来我们一起走了很长的路，"
    "谁也没有说话：只有雨声，和远处火车的声音。到了车站，他把伞给了我，自己走进了雨里。我再也没有见过他，可是那把伞，我一直留着。",
]
# Of the recording "whisper" and the text of that number.
OPTIONS = [(2, {"speed": 1.3}), (2, {"fix_duration": 30.0}), (1, {"fix_duration": 7.5}), (2, {"cross_fade_duration": 0.0}),
           (2, {"cross_fade_duration": 0.4, "speed": 0.7}), (0, {"speed": 2.0}), (1, {"target_rms": 0.2}), (2, {"target_rms": 0.01}),
           (1, {"fix_duration": 1.0}), (1, {"speed": 1000.0})]
# Seed, and how many numbers are drawn at once, one draw after the other.
NOISE = [(0, [1]), (1, [7]), (42, [15]), (42, [16]), (42, [17]), (7, [33]), (5, [100, 100]), (2**32 + 42, [17]), (123456789012345, [40]),
         (9, [4700, 1300])]


def samples_of(recording):
    """int16 [samples, channels], by the rule above."""
    x, made = recording["seed"], []
    for milliseconds, loudness in recording["parts"]:
        for _ in range(recording["rate"] * milliseconds // 1000 * recording["channels"]):
            x = (1664525 * x + 1013904223) % 2**32
            made.append(((x >> 16) - 32768) * loudness >> 15)
    return numpy.array(made, numpy.int16).reshape(-1, recording["channels"])


def weighted_sum(samples):
    flat = samples.reshape(-1).astype(numpy.int64)
    return int((numpy.arange(1, len(flat) + 1) * flat).sum() % 2**32)


def read(path):
    with wave.open(str(path)) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels()), file.getframerate()


class Network:
    """Samples truly, in one step; keeps what it was asked for."""

    def __init__(self, model):
        self.model, self.asked = model, []

    def sample(self, cond, text, duration, steps, **options):
        out, states = self.model.sample(cond=cond, text=text, duration=duration, steps=1, **options)
        self.cond = cond[0]
        self.asked.append({"text": text[0], "frames_asked": duration, "frames": states.shape[2]})
        return out, states


class OneAfterTheOther:
    """In place of the pool of threads, in which the chunks' order would be luck."""

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        pass

    def submit(self, function, *arguments):
        future = concurrent.futures.Future()
        future.set_result(function(*arguments))
        return future


utils_infer.ThreadPoolExecutor = OneAfterTheOther


def case(network, vocoder, path, reference_text, text, **options):
    """What infer_process() makes of a text."""
    network.asked.clear()
    wave_made, _, _ = utils_infer.infer_process(str(path), reference_text, text, network, vocoder, show_info=str, progress=None,
                                                nfe_step=1, **options)
    audio, rate = load_wave(path)
    most = int(len(reference_text.encode()) / (audio.shape[-1] / rate) * (22 - audio.shape[-1] / rate) * options.get("speed", 1))
    chunks = utils_infer.chunk_text(text, max_chars=most)
    return {"bytes_at_most": most,
            "chunks": [{"text": chunk, "bytes": len(chunk.encode()), "tokens": len(asked["text"]), "frames_asked": asked["frames_asked"],
                        "frames": asked["frames"]} for chunk, asked in zip(chunks, network.asked, strict=True)],
            "samples": len(wave_made)}


def describe(name, recording, folder, network, vocoder):
    samples = samples_of(recording)
    path = folder / f"{name}.wav"
    save_wave(path, samples, recording["rate"])
    said = []
    prepared_path, reference_text = utils_infer.preprocess_ref_audio_text(str(path), recording["reference_text"], show_info=said.append)
    prepared, rate = read(prepared_path)
    audio, _ = load_wave(prepared_path)
    mono = audio.mean(0)
    answers = [case(network, vocoder, prepared_path, reference_text, text) for text in TEXTS]
    cond = network.cond
    facts = recording | {
        "samples": len(samples), "weighted_sum": weighted_sum(samples),
        "prepared": {"cut": [int(found) for found in re.findall(r"clipping short\. \((\d)\)", " ".join(said))], "samples": len(prepared), "weighted_sum": weighted_sum(prepared), "reference_text": reference_text,
                     "rms": float(torch.sqrt(torch.mean(torch.square(mono)))), "samples_at_24000": len(cond), "reference_frames": len(cond) // 256,
                     "from_1000_at_24000": [round(float(value), 8) for value in cond[1000:1008]]},
        "answers": answers}
    return facts, prepared_path, reference_text


def noise(seed, counts):
    torch.manual_seed(seed)
    draws = []
    for count in counts:
        values = torch.randn(count).tolist()
        draws.append({"count": count, "first": values[:20], "last": values[-17:] if count > 20 else []})
    return {"seed": seed, "draws": draws}


def main(path):
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        torch.manual_seed(0)
        network = Network(seeded_network("fixture", "v1", OFFICIAL_VOCABULARY, 1, "f32").float())
        vocoder = seeded_vocoder(folder, "fixture", "center", 1, "f32").float()
        vocoder.head.istft.float()
        recordings = {}
        for kind, recording in RECORDINGS.items():
            recordings[kind], prepared, reference_text = describe(kind, recording, folder, network, vocoder)
            pieces = recordings[kind]
            print(kind, pieces["samples"] / recording["rate"], {key: value for key, value in pieces["prepared"].items() if key[0] != "f"},
                  [len(answer["chunks"]) for answer in pieces["answers"]])
        options = [{"recording": "whisper", "text": number, "options": given}
                   | case(network, vocoder, prepared, reference_text, TEXTS[number], **given) for number, given in OPTIONS]
    save_json(pathlib.Path(path), {
        "texts": [{"text": text, "tokens": convert_char_to_pinyin([text])[0]} for text in TEXTS],
        "recordings": recordings, "options": options, "noise": [noise(*one) for one in NOISE]})


main(sys.argv[1])
