"""Recordings: how fast they become samples, beside the program ffmpeg, and how fast a voice sample is prepared."""

import os
import re
import shutil
import subprocess
import time
import wave

from measuring import ROOT, median, say
from server import PROGRAM, SPEECH

RUNS = 11
QUIET = ["ffmpeg", "-v", "error", "-nostdin", "-threads", "1"]
RAW = ["-ac", "1", "-f", "f32le", "-"]
SENTENCES = sorted(SPEECH.glob("*.wav"))


def on_one_core():
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])


def run(command):
    """Its output, and the milliseconds from its start to its end."""
    started = time.perf_counter()
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, preexec_fn=on_one_core)
    return done.stdout, (time.perf_counter() - started) * 1000


def build(name):
    subprocess.run(["cmake", "--build", "build/release", "--target", name], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return ROOT / "build/release/bench" / name


def decode(report, program, folder):
    minute = folder / "minute.mp3"
    run([program, "minute", minute, *SENTENCES])
    commands = {"Titans": [program, "decode", minute]}
    if shutil.which("ffmpeg"):
        commands["ffmpeg"] = [*QUIET, "-i", minute, "-ar", "16000", *RAW]
        commands["ffmpeg, soxr"] = [*QUIET, "-i", minute, "-af", "aresample=16000:resampler=soxr:precision=28", *RAW]
    else:
        say("without ffmpeg: it is not here")
    times, samples = {name: [] for name in commands}, {}
    for _ in range(RUNS):
        for name, command in commands.items():
            output, took = run(command)
            times[name].append(took)
            samples[name] = len(output) // 4
    report.add("## A minute of MP3 to 16 kHz")
    report.add()
    report.add("Whole programs on one core, from their start to the last sample; ffmpeg resamples by its own filter, which is "
               f"shorter, and by soxr at the precision that Titans uses. {RUNS} alternating runs."
               + ("" if len(commands) > 1 else " ffmpeg is not here."))
    report.add()
    ours = median(times["Titans"])
    report.table(["", "ms, median", "least", "samples", "ffmpeg / ours (more is better)"],
                 [[name, f"{median(some):.0f}", f"{min(some):.0f}", samples[name],
                   "" if name == "Titans" else f"{median(some) / ours:.2f}"] for name, some in times.items()])


def prepare(report, folder):
    with wave.open(str(folder / "ten.wav"), "wb") as ten:
        ten.setparams((1, 2, 16000, 0, "NONE", ""))
        frames = b"".join(wave.open(str(path)).readframes(10 * 16000) for path in SENTENCES)
        ten.writeframes(frames[:10 * 16000 * 2])
    times = []
    for _ in range(RUNS):
        output, _ = run([PROGRAM, "prepare", folder / "ten.wav", folder / "prepared.wav", "--standard"])
        times.append(float(re.search(rb"prepared in (\d+) ms", output)[1]))
    report.add("## A voice sample of 10 s")
    report.add()
    report.add(f"At 48 kHz through every step of preparation, on one core, without decoding and writing. {RUNS} runs.")
    report.add()
    report.table(["", "median", "lowest", "highest", "aim"],
                 [["prepared, ms", f"{median(times):.0f}", f"{min(times):.0f}", f"{max(times):.0f}", "500"]])


def bench_audio(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    decode(report, build("recordings"), folder)
    prepare(report, folder)
