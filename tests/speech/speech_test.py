"""Recognises recorded sentences, and what the built-in voice says; fails above the bounds below.

usage: speech_test.py SPEECH_CHECK        exit status 77: skipped, no model or no recordings here"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile
import wave

import numpy
import word_errors

MODEL = pathlib.Path(os.environ.get("MODELS_DIR") or "models") / "whisper-base/whisper-base.gguf"
RECORDINGS = pathlib.Path("/usr/share/pocketsphinx/test/data/librivox")
THREADS = "2"

# Whisper base hears the 70 words of these five sentences right but for one, where the transcript has a word too many
# ("a more a amiable"): 1.4 %. The bound leaves two more.
RECORDED_BOUND = 0.045
# A synthetic voice is no human one: what is asked is that most of it is understood. 8 % were wrong when this was written.
SPOKEN_BOUND = 0.35
SENTENCES = [
    "The lighthouse keeper wrote a letter to his sister every Sunday evening.",
    "We will leave the harbour at seven and be back before it gets dark.",
    "Please bring two bottles of water and a warm coat for the night.",
    "My grandmother taught me how to bake bread when I was a child.",
    "The train from the north was late because of the heavy snow.",
]


def recognize(program, files, language="en"):
    """[(milliseconds, language, text)] of the files, heard as the server does: with threads that sleep while they wait."""
    output = subprocess.run([program, "recognize", MODEL, THREADS, language, *files], check=True, text=True,
                            stdout=subprocess.PIPE, env=os.environ | {"OMP_WAIT_POLICY": "passive"}).stdout
    lines = [line.split("\t") for line in output.splitlines()]
    assert len(lines) == len(files)
    return [(float(ms), heard_in, text) for ms, heard_in, text in lines]


def report(name, pairs, times, bound):
    """Prints what was heard; whether its word error rate is within `bound`."""
    for (said, heard), ms in zip(pairs, times):
        print(f"  {ms:6.0f} ms  {heard}")
        if word_errors.words(said) != word_errors.words(heard):
            print(f"    instead of {said}")
    rate = word_errors.rate(pairs)
    median = sorted(times)[len(times) // 2]
    print(f"{name}: word error rate {100 * rate:.1f} % (bound {100 * bound:.1f} %), median {median:.0f} ms")
    return rate <= bound


def recorded_speech(program):
    transcription = (RECORDINGS / "transcription").read_text()
    said = {name: text for text, name in re.findall(r"<s> (.*) </s> \((.*)\)", transcription)}
    assert len(said) == 5
    heard = recognize(program, [RECORDINGS / f"{name}.wav" for name in said])
    return report("recorded", list(zip(said.values(), (text for _, _, text in heard))), [ms for ms, *_ in heard],
                  RECORDED_BOUND)


def language_is_recognized(program):
    (_, language, text), = recognize(program, [next(RECORDINGS.glob("*0870.wav"))], "auto")
    print(f"language of the first recording: {language}")
    return language == "en" and word_errors.words(text)[:3] == ["and", "mister", "john"]


def spoken_speech(program):
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for i, sentence in enumerate(SENTENCES):
            files.append(pathlib.Path(folder) / f"{i}.wav")
            took = subprocess.run([program, "speak", "en", files[-1]], input=sentence, check=True, text=True,
                                  stdout=subprocess.PIPE).stdout.split()
            print(f"  {took[0]:>6} ms to speak {took[1]} s")
        heard = recognize(program, files)
    return report("espeak-ng", list(zip(SENTENCES, (text for _, _, text in heard))), [ms for ms, *_ in heard],
                  SPOKEN_BOUND)


def nothing_is_invented(program):
    """Sounds without speech, short ones too: all that is written for them would be invented."""
    random = numpy.random.default_rng(1)
    rate = 16000

    def seconds(length):
        return numpy.arange(int(length * rate)) / rate

    sounds = {"silence of 3 s": 0 * seconds(3), "silence of 40 s": 0 * seconds(40)}
    for length in (0.5, 3, 12, 40):
        for loudness in (0.001, 0.01, 0.1):
            sounds[f"noise of {length} s, {loudness}"] = random.normal(size=int(length * rate)) * loudness
    sounds["hum of 5 s"] = numpy.sin(seconds(5) * 2 * numpy.pi * 50) / 10
    sounds["whistle of 3 s"] = numpy.sin(seconds(3) * 2 * numpy.pi * 1000) / 5
    sounds["clicks of 4 s"] = (numpy.arange(4 * rate) % 8000 == 0) / 2
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, samples in enumerate(sounds.values()):
            files.append(pathlib.Path(folder) / f"{number}.wav")
            with wave.open(str(files[-1]), "wb") as wav:
                wav.setparams((1, 2, rate, 0, "NONE", ""))
                wav.writeframes((numpy.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
        heard = [*recognize(program, files), *recognize(program, files, "auto")]
    invented = {f"{name}: {text}" for name, (*_, text) in zip([*sounds, *sounds], heard) if text}
    print(f"invented of {len(sounds)} sounds without speech: {len(invented)}", *invented, sep="\n    ")
    return not invented


def main():
    program, = sys.argv[1:]
    for needed in (MODEL, RECORDINGS):
        if not needed.exists():
            print(f"SKIPPED: {needed} is not here")
            sys.exit(77)
    results = [check(program) for check in (recorded_speech, language_is_recognized, nothing_is_invented, spoken_speech)]
    sys.exit(0 if all(results) else 1)


main()
