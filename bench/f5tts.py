"""F5-TTS beside the package that a user would run in its place, on PyTorch."""

import os
import shutil
import subprocess
import sys
import time

import requests
from hub import FakeHub, expect_voices
from measuring import THREADS, api_mind, say
from networks import CACHE, PRECISIONS, known, ours, peaks, ratio
from server import MODELS, PROGRAM, SPEECH, Server, events
from shares import BRACKETS, share_rows
from upstream import FakeUpstream
from yardsticks import ask, packages, run

RUNS = 3
PACKAGES = ["f5-tts==1.1.22", "vocos==0.1.0", "x-transformers==2.31.10", "torchdiffeq==0.2.5", "torchaudio==2.11.0", "encodec==0.1.1",
            "einx==0.4.3", "einops==0.8.2", "torch-einops-utils==0.2.0", "loguru==0.7.3", "frozendict==2.5.1", "rjieba==0.2.2",
            "pypinyin==0.55.0", "pydub==0.25.1", "audioop-lts==0.2.2"]
FRAMES = (700, 1216)
# Of 7.1 s, with its words.
RECORDING = "sense_and_sensibility_01_austen_64kb-0870"
FIVE_SENTENCES = ("The ferry leaves at nine in the morning. It takes forty minutes to the island. There is one inn, which is open all "
                  "year. Nobody drives there, so bring good shoes. The last boat back leaves at six in the evening.")
# Of a recording of 6 s and 7 s of speech, and the steps.
SENTENCE, STEPS, SPEECH_S = 1218, 7, 7


def search_path():
    """Where Python finds the package: beside PyTorch, without what only its training and its web page need (29 MB). None,
    with a sentence said, if it cannot be had."""
    if not (torch := packages()):
        return None
    folder = CACHE / f"f5-tts-1.1.22-py{sys.version_info.major}.{sys.version_info.minor}"
    complete = folder / "complete"
    if not complete.exists() or complete.read_text().split() != PACKAGES:
        fetched = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", folder, "--upgrade", *PACKAGES],
                                 capture_output=True, text=True)
        if fetched.returncode != 0:
            say(f"the f5-tts package could not be fetched: {fetched.stderr.strip()[-200:]}")
            return None
        complete.write_text("\n".join(PACKAGES) + "\n")
    return f"{folder}{os.pathsep}{torch}"


def seeded():
    """The folder of a network and a vocoder of the official sizes with seeded weights, as the hub has them and as we do; None
    if they cannot be made."""
    made = CACHE / "seeded-f5tts"
    if not (path := search_path()):
        return None
    if not (made / "complete").exists():
        if run("tools/reference/vocoder.py", "make", made / "vocos", "--size", "official", "--frames", 13, PYTHONPATH=path) is None:
            return None
        if run("tools/reference/f5tts.py", "make", made / "f5tts", "--size", "base", "--seconds", 0.3, "--steps", 1, PYTHONPATH=path) is None:
            return None
        for name in ("f5tts", "vocos"):
            subprocess.run([PROGRAM, "convert", name, made / name, made / f"{name}.gguf"], check=True)
        (made / "complete").touch()
    return made


def our_answer(made, kind):
    models = (made / "f5tts.gguf", made / "vocos.gguf")
    steps = ours("speaker", *models, kind, RUNS, *(f"{count}:2" for count in FRAMES))
    spoken = ours("speaker", *models, kind, 1, f"{SENTENCE}:{STEPS}")
    return {"steps": [row["step_s"] for row in steps["rows"]], "s": spoken["rows"][0]["first_s"], "vocoder_s": spoken["rows"][0]["vocoder_s"],
            "load_s": steps["load_s"], "peak_mb": spoken["peak_mb"], "profile": steps["rows"][-1]["profile"]}


def their_answer(made, kind):
    answer = ask("bench/f5tts_yardstick.py", made / "f5tts", made / "vocos", kind, RUNS, *FRAMES, PYTHONPATH=search_path())
    return answer and answer | answer["sentence"] | {"steps": [step["s"] for step in answer["steps"]]}


def bench_f5tts(report, folder):
    report.add("## F5-TTS v1 Base, against the f5-tts package")
    report.add()
    report.add(f"Seeded weights of the official size, {THREADS} threads, medians of {RUNS} steps with guidance; {SPEECH_S} s of speech after a "
               f"recording of 6 s in {STEPS} steps, once, with the vocoder. Less than 1 is faster.")
    report.add()
    if not (made := seeded()):
        return
    mine = {kind: our_answer(made, kind) for kind in PRECISIONS if known(kind)}
    theirs = {kind: answer for kind in ("f32", "bf16") if (answer := their_answer(made, kind))}
    rows = []
    for name, answers in (("Titans", mine), ("f5-tts", theirs)):
        for kind, answer in answers.items():
            rows.append([f"{name}, {kind}", *(f"{seconds:.2f}" for seconds in answer["steps"])]
                        + [ratio(theirs[other]["steps"][-1], answer["steps"][-1]) if other in theirs else "" for other in ("f32", "bf16")]
                        + [f"{answer['s']:.1f}", f"{answer['vocoder_s']:.2f}", f"{answer['s'] / SPEECH_S:.2f}", f"{answer['load_s'] * 1000:.0f}",
                           f"{answer['peak_mb']:.0f}"])
    report.table(["by", *(f"a step of {count} frames, s" for count in FRAMES), "of their f32's time (aim of f32: 0.75)",
                  "of their bf16's (aims: bf16 0.7, int8 0.47)", "the sentence, s", "its vocoder, s",
                  "real-time factor (aims: bf16 3.3, int8 2.3)", "loading, ms (aim 500)", "peak memory, MB"], rows)
    add_stages(report, mine)


def add_stages(report, answers):
    report.add(f"Where the time goes, layer by layer, of {FRAMES[-1]} frames, once each; {BRACKETS}. The convolutions of a step are those of "
               "the positions. Beside the layers: graphs are drawn; Vocos's spectrum becomes sound.")
    report.add()
    rows, limits = [], peaks()
    for precision, answer in answers.items():
        for part in answer["profile"]:
            rest = {"kind": "beside the layers", "nodes": "", "ms": part["ms"] - sum(kind["ms"] for kind in part["kinds"]), "gflops": 0}
            rows += [[precision, part["stage"], *row] for row in share_rows([*part["kinds"], rest], part["ms"], limits[precision])]
    report.table(["by", "stage", "kind of layer", "how many", "ms", "of the stage", "GFLOP/s"], rows)


def seeded_repositories(made):
    """The hub's two repositories, with the seeded weights under the official names."""
    network = made / "f5tts"
    weights = (network / "model_1250000.safetensors").read_bytes()
    return {"SWivid/F5-TTS": {"F5TTS_v1_Base/model_1250000.safetensors": weights,
                              "F5TTS_v1_Base/vocab.txt": (network / "vocab.txt").read_bytes(),
                              "F5TTS_Base/model_1200000.safetensors": weights},
            "charactr/vocos-mel-24khz": {name: (made / "vocos" / name).read_bytes() for name in ("pytorch_model.bin", "config.yaml")}}


def timed(call):
    started = time.monotonic()
    answer = call()
    answer.raise_for_status()
    return time.monotonic() - started, answer.json()


def spoken_answer(server, character):
    """When the first and the last audio of an answer came, in s, its seconds of sound, and what `done` said."""
    started, first, seconds = time.monotonic(), None, 0
    with requests.post(server.url + "/ask-question-text", stream=True, timeout=1800,
                       json={"character_id": character, "question": "How do I get to the island?", "stream": True}) as response:
        for name, event in events(response):
            if name == "audio":
                first = first or time.monotonic() - started
                seconds += event["seconds"]
            elif name == "done":
                return first, time.monotonic() - started, seconds, event


def bench_voice(report, folder):
    report.add("## An answer in the voice of a recording, through the API")
    report.add()
    if not (made := seeded()):
        return
    repositories = seeded_repositories(made)
    models = folder / "models"
    shutil.copytree(MODELS, models, ignore=shutil.ignore_patterns(".*", "f5tts*", "vocos*"))
    expect_voices(models, repositories)
    rows = []
    with FakeHub(repositories) as hub, FakeUpstream(answer=FIVE_SENTENCES) as mind, \
            Server(folder / "server", models=models, HF_ENDPOINT=hub.url, TITANS_CACHE=folder / "cache", REQUEST_TIMEOUT=1800,
                   **api_mind(mind)) as server:
        fetched, _ = timed(lambda: server.post("/download-model", timeout=600, json={"model_name": "f5tts", "accept_license": True}))
        created = server.create("Jane", voice=SPEECH / f"{RECORDING}.wav", voice_cloning_settings={
            "model": "f5tts", "reference_text": (SPEECH / f"{RECORDING}.txt").read_text().strip(), "seed": 1})
        created.raise_for_status()
        character = created.json()["character_id"]
        loaded, _ = timed(lambda: server.load(character))
        for when in ("first answer after load-character", "second answer"):
            rows.append([when, spoken_answer(server, character)])
        server.stop()
        server.start()
        rows.append(["first answer of a restarted server, nothing loaded", spoken_answer(server, character)])
    report.add(f"Seeded weights of the official size, from a hub on this machine: fetched, checked and converted in {fetched:.1f} s; "
               f"load-character (mind behind an API, ears, embedder, voice): {loaded:.1f} s. A recording of 7.1 s, an answer of five "
               f"sentences that its mind writes at once, 7 steps, COMPUTE=auto.")
    report.add()
    report.table(["", "voice ready, ms", "first audio, s", "all of it, s", "seconds of sound", "real-time factor"],
                 [[when, f"{done['timings']['voice']:.0f}", f"{first:.1f}", f"{whole:.1f}", f"{sound:.1f}", f"{whole / sound:.2f}"]
                  for when, (first, whole, sound, done) in rows])
