"""recognition_yardstick.py whisper FOLDER TYPE RUNS WAV...: transcribes by faster-whisper, greedily; TYPE is one of its
compute types (int8, float32).
recognition_yardstick.py ctc FOLDER TYPE RUNS SECONDS...: recognises seeded noise by transformers' network; TYPE is f32 or
bf16.

FOLDER holds the model. Prints what was measured as JSON: medians, in seconds; memory in MB."""

import json
import pathlib
import resource
import statistics
import sys
import time
import wave

import numpy

RATE = 16000


def read(path):
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE, 1, 2), path
        return numpy.frombuffer(file.readframes(file.getnframes()), "<i2").astype(numpy.float32) / 32768


def median(function, runs):
    """The seconds that `function` takes, and what it last answered; the first run only warms."""
    times = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        answer = function()
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:]), answer


def by_whisper(folder, kind, runs, paths):
    import faster_whisper
    started = time.perf_counter()
    model = faster_whisper.WhisperModel(folder, device="cpu", compute_type=kind, cpu_threads=2)
    loaded = time.perf_counter() - started
    rows = []
    for path in paths:
        samples = read(path)  # a path would need an older PyAV

        def transcribe():
            segments, info = model.transcribe(samples, beam_size=1, language="en")
            return "".join(segment.text for segment in segments).strip()

        seconds, text = median(transcribe, runs)
        rows.append({"file": pathlib.Path(path).name, "audio_s": len(samples) / RATE, "s": seconds, "text": text})
    return faster_whisper.__version__, loaded, rows


def by_ctc(folder, kind, runs, lengths):
    import torch
    import transformers
    started = time.perf_counter()
    model = transformers.AutoModelForCTC.from_pretrained(folder, dtype={"f32": torch.float32, "bf16": torch.bfloat16}[kind]).eval()
    loaded = time.perf_counter() - started
    random = numpy.random.default_rng(1)
    rows = []
    for length in lengths:
        values = torch.from_numpy(random.standard_normal((1, int(float(length) * RATE)), numpy.float32)).to(model.dtype)

        def recognise():
            with torch.inference_mode():
                return model(values).logits.argmax(-1)

        seconds, _ = median(recognise, runs)
        rows.append({"audio_s": float(length), "s": seconds})
    return f"transformers {transformers.__version__}, torch {torch.__version__}", loaded, rows


def main(kind, folder, number_type, runs, *what):
    version, loaded, rows = {"whisper": by_whisper, "ctc": by_ctc}[kind](folder, number_type, int(runs), what)
    print(json.dumps({"version": version, "type": number_type, "load_s": loaded, "rows": rows,
                      "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


main(*sys.argv[1:])
