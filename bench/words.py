"""Words that Whisper base hears wrong, by the numbers that it is computed with and by how much of a window is encoded."""

import os
import pathlib
import re
import subprocess
import sys
import wave

import numpy
from measuring import ROOT, THREADS, median, say  # first: it knows where the next ones are
from engines import whisper_base
from networks import RATE, WAITING, build, faster_whisper_folder, known
from server import SPEECH
from yardsticks import ask

sys.path.append(str(ROOT / "tests/speech"))
import word_errors  # noqa: E402

SAMPLES = pathlib.Path("/usr/share/sounds/debian/samples")  # of whisper.cpp's tools; nobody wrote down what is said
KINDS = ("bf16", "bf16,whole", "f32", "f32,whole", "int8", "int8,whole")


def read(path):
    with wave.open(str(path)) as wav:
        assert (wav.getframerate(), wav.getnchannels(), wav.getsampwidth()) == (RATE, 1, 2), path
        return numpy.frombuffer(wav.readframes(wav.getnframes()), "<i2") / 32768


def save(path, samples):
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, RATE, 0, "NONE", ""))
        wav.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return path


def harder(samples, random):
    """The same sentence slower, quicker, with noise (20 and 12 dB below it), faint, between seconds of faint noise."""
    def stretched(factor):
        return numpy.interp(numpy.arange(int(len(samples) * factor)) / factor, numpy.arange(len(samples)), samples)
    noise = random.normal(size=len(samples)) * numpy.sqrt((samples ** 2).mean())
    return {"slow": stretched(1.09), "quick": stretched(0.93), "noise": samples + noise / 10, "more-noise": samples + noise / 4,
            "faint": samples / 10, "alone": numpy.pad(samples, RATE // 2) + random.normal(size=len(samples) + RATE) / 1000}


def clips(samples):
    """Pieces of 2 to 4.5 s, cut where it is quietest."""
    loudness = numpy.convolve(samples ** 2, numpy.ones(RATE // 10), "same")
    while len(samples) > 2 * RATE:
        end = len(samples) if len(samples) < 4.5 * RATE else 2 * RATE + int(numpy.argmin(loudness[2 * RATE:int(4.5 * RATE)]))
        yield samples[:end]
        samples, loudness = samples[end:], loudness[end:]


def recordings(folder):
    """{set: files}, and {file: what is said} as far as that is known."""
    said = {name: text for text, name in re.findall(r"<s> (.*) </s> \((.*)\)", (SPEECH / "transcription").read_text())}
    random = numpy.random.default_rng(3)
    sets, known_texts = {"sentences": [], "harder": []}, {}
    for name, text in said.items():
        samples = read(SPEECH / f"{name}.wav")
        files = [SPEECH / f"{name}.wav"]
        files += [save(folder / f"{name}-{kind}.wav", changed) for kind, changed in harder(samples, random).items()]
        sets["sentences"].append(files[0])
        sets["harder"] += files[1:]
        known_texts |= dict.fromkeys(files, text)
    for language in ("en", "ar"):
        for sample in SAMPLES.glob(f"{language}-*.wav"):
            sets[language] = [save(folder / f"{language}-{number:02}.wav", clip)
                              for number, clip in enumerate(clips(read(sample)))]
    return sets, known_texts


def hear(program, model, language, files):
    """[(milliseconds, text)] of the files."""
    printed = subprocess.run([program, "recognize", model, str(THREADS), language, *files], check=True, text=True,
                             stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=os.environ | WAITING).stdout
    lines = [line.split("\t") for line in printed.splitlines()]
    return [(float(ms), text) for ms, _, text in lines]


def bench_words(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    program = build("speech_check", "tests/speech")
    sets, said = recordings(folder)
    heard = {}
    for kind in (kind for kind in KINDS if known(kind.split(",")[0])):
        heard[kind] = {name: hear(program, f"{whisper_base()},{kind}", "ar" if name == "ar" else "en", files)
                       for name, files in sets.items()}
    theirs = {}
    for name in ("sentences", "harder"):
        if answer := ask("bench/recognition_yardstick.py", "whisper", faster_whisper_folder(folder / name), "float32", 1, *sets[name]):
            theirs[name] = [(row["s"] * 1000, row["text"]) for row in answer["rows"]]
    if theirs:
        heard["faster-whisper, float32"] = theirs
    rows = []
    for kind, texts in heard.items():
        cells = []
        for name in sets:
            if name not in texts:
                cells.append("")
                continue
            wanted = ([said[file] for file in sets[name]] if name in ("sentences", "harder")
                      else [text for _, text in heard["f32,whole"][name]])
            pairs = list(zip(wanted, (text for _, text in texts[name])))
            cells.append(f"{100 * word_errors.rate(pairs):.1f} %")
        name = kind if kind.startswith("faster") else "Titans, " + kind.replace(",whole", ", 30 s encoded")
        rows.append([name, *cells, f"{median(ms for ms, _ in texts['sentences'] + texts['harder']):.0f}"])
    report.add("## Words that Whisper base hears wrong")
    report.add()
    report.add(f"Greedy, language given; of {len(sets['sentences'])} sentences read aloud and of {len(sets['harder'])} made of them (slower, "
               "quicker, with noise 20 and 12 dB below, faint, between silence) the words wrong; of clips of 2 to 4.5 s, whose texts "
               f"nobody wrote down ({', '.join(f'{len(sets[name])} {name}' for name in sets if len(name) == 2)}), those unlike what F32 "
               "hears with all 30 s encoded. ms: the median of a sentence.")
    report.add()
    titles = {"sentences": "sentences", "harder": "made harder", "en": "English clips, unlike", "ar": "Arabic clips, unlike"}
    report.table(["by", *(titles[name] for name in sets), "ms"], rows)
    if not theirs:
        say("faster-whisper cannot be had: its row is missing")
