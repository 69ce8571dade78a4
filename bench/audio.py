#!/usr/bin/env python3
"""How long a minute of MP3 takes to become mono samples at 16 kHz, beside the program ffmpeg on one thread.

    bench/audio.py [PROGRAM]      PROGRAM is the built decode_audio; needs ffmpeg, and LibriVox's sentences

Both run as whole programs, from their start to their last sample, alternately; the least of the times counts. ffmpeg
resamples by its own filter, which is shorter, and by soxr at the same precision as Titans."""

import os
import pathlib
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
SENTENCES = sorted(pathlib.Path("/usr/share/pocketsphinx/test/data/librivox").glob("*.wav"))
RUNS = 15
QUIET = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1"]
RAW = ["-ac", "1", "-f", "f32le", "-"]


def seconds(command):
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return time.perf_counter() - started, len(done.stdout) // 4


def main():
    program = sys.argv[1] if len(sys.argv) > 1 else ROOT / "build/release/bench/decode_audio"
    sentences = os.environ.get("SENTENCES")
    files = sorted(pathlib.Path(sentences).glob("*.wav")) if sentences else SENTENCES
    with tempfile.TemporaryDirectory() as folder:
        listed, mp3 = f"{folder}/list", f"{folder}/minute.mp3"
        pathlib.Path(listed).write_text("".join(f"file '{file}'\n" for file in files * 10))
        subprocess.run([*QUIET, "-f", "concat", "-safe", "0", "-i", listed, "-t", "60", "-ar", "44100", "-ac", "2",
                        "-c:a", "libmp3lame", "-b:a", "128k", mp3], check=True)
        commands = {
            "titans": [program, mp3],
            "ffmpeg": [*QUIET, "-i", mp3, "-ar", "16000", *RAW],
            "ffmpeg, soxr": [*QUIET, "-i", mp3, "-af", "aresample=16000:resampler=soxr:precision=28", *RAW],
        }
        times, samples = {name: [] for name in commands}, {}
        for _ in range(RUNS):
            for name, command in commands.items():
                took, samples[name] = seconds(command)
                times[name].append(took)
    least = {name: min(some) for name, some in times.items()}
    for name, took in least.items():
        print(f"{name}: {1000 * took:.0f} ms for {samples[name]} samples, {took / least['titans']:.2f} times Titans")


main()
