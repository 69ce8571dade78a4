"""Puts faults into recorded sentences, lets `titans prepare` take them out, and counts the words that are then misheard.

usage: preparation_test.py SPEECH_CHECK TITANS     exit status 77: skipped, no model or no recordings here"""

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
RATE = 16000
PASSIVE = os.environ | {"OMP_WAIT_POLICY": "passive"}


def read(path):
    with wave.open(str(path)) as file:
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768


def write(path, samples):
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(numpy.clip(numpy.round(samples * 32768), -32768, 32767).astype("<i2").tobytes())


def seconds(path):
    with wave.open(str(path)) as file:
        return file.getnframes() / file.getframerate()


def main():
    speech_check, titans = sys.argv[1:]
    for needed in (MODEL, RECORDINGS):
        if not needed.exists():
            print(f"SKIPPED: {needed} is not here")
            sys.exit(77)
    said = re.findall(r"<s> (.*) </s> \((.*)\)", (RECORDINGS / "transcription").read_text())
    sentences = [read(RECORDINGS / f"{name}.wav") for _, name in said]
    words = word_errors.words(" ".join(text for text, _ in said))
    speech = numpy.concatenate(sentences)
    random = numpy.random.default_rng(0)
    noise = random.standard_normal(len(speech)) * numpy.sqrt(numpy.mean(speech ** 2) / 10)
    gap = numpy.zeros(2 * RATE)
    apart = numpy.concatenate([gap, *(part for sentence in sentences for part in (sentence, gap))])

    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)

        def prepare(source, name, *options):
            report = subprocess.run([titans, "prepare", folder / f"{source}.wav", folder / f"{name}.wav", *options],
                                    check=True, text=True, stdout=subprocess.PIPE, env=PASSIVE).stdout
            print(f"{name}: {' '.join(options)}\n{report}", end="")

        write(folder / "speech.wav", speech)
        write(folder / "noisy.wav", speech + noise)
        write(folder / "apart.wav", apart)
        prepare("noisy", "cleaned", "--clean")
        prepare("apart", "joined", "--remove-silence")
        prepare("speech", "standard", "--standard")
        names = ["speech", "noisy", "cleaned", "joined", "standard"]
        output = subprocess.run([speech_check, "recognize", MODEL, "2", "en", *(folder / f"{name}.wav" for name in names)],
                                check=True, text=True, stdout=subprocess.PIPE, env=PASSIVE).stdout
        wrong = {}
        for name, line in zip(names, output.splitlines(), strict=True):
            wrong[name] = word_errors.count(words, word_errors.words(line.split("\t")[2]))
            print(f"{name:9} {seconds(folder / f'{name}.wav'):5.1f} s, {wrong[name]:2} of {len(words)} words wrong")
        # A pause of 0.2 s and what a frame sees of its edges, where there were 2 s.
        gone = seconds(folder / "joined.wav") <= len(speech) / RATE + 0.3 * (len(sentences) + 1)
    checks = {"the undamaged sentences are understood": wrong["speech"] <= 3,
              "the noise does harm": wrong["noisy"] >= wrong["speech"] + 3,
              "cleaned, at most one word more is wrong than without the noise": wrong["cleaned"] <= wrong["speech"] + 1,
              "the silences are gone": gone,
              "no word went with them": wrong["joined"] <= wrong["speech"] + 1,
              "the standard preparation costs no word": wrong["standard"] <= wrong["speech"] + 1}
    for claim, holds in checks.items():
        print(f"{'ok  ' if holds else 'FAIL'} {claim}")
    sys.exit(0 if all(checks.values()) else 1)


main()
