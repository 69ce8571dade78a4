"""The engines beside the tools that a user would pick in their place, and whole turns with them."""

import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import wave

import requests
import whisper_ggml
from measuring import PERSONA, THREADS, median
from server import EXAMPLES, MODELS, SPEECH, Server, clean_environment, events, free_port

QUESTIONS = ("Tell me about your work and about the sea, in great detail.",
             "And what do you do when a storm comes, hour by hour?")
ANSWER_TOKENS = 96


# The mind, against llama-server


class LlamaServer:
    def __init__(self, model, slots=1, context=4096):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            ["llama-server", "-m", model, "-t", str(THREADS), "-c", str(context), "-np", str(slots), "--port", str(self.port),
             "--no-ui", "--offline"], env=clean_environment(), stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def __enter__(self):
        for _ in range(600):
            with contextlib.suppress(requests.RequestException):
                if requests.get(self.url + "/health", timeout=5).status_code == 200:
                    return self
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        self.__exit__()
        self.log.seek(0)
        raise RuntimeError(self.log.read()[-2000:].decode(errors="replace"))

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()

    def ask(self, persona, question):
        """One streamed answer: times, and tokens."""
        started = time.perf_counter()
        times, usage = [], {}
        with requests.post(self.url + "/v1/chat/completions", stream=True, timeout=300, json={
                "messages": [{"role": "system", "content": persona}, {"role": "user", "content": question}],
                "temperature": 0, "max_tokens": ANSWER_TOKENS, "stream": True,
                "stream_options": {"include_usage": True}}) as stream:
            for line in stream.iter_lines(chunk_size=1):
                if not line.startswith(b"data: {"):
                    continue
                chunk = json.loads(line[6:])
                usage = chunk.get("usage") or usage
                if chunk["choices"] and chunk["choices"][0]["delta"].get("content"):
                    times.append(time.perf_counter() - started)
        cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
        return turn(times, usage["prompt_tokens"], cached, usage["completion_tokens"])


def turn(times, prompt_tokens, cached_tokens, completion_tokens):
    return {"first": times[0] * 1000, "prompt_tokens": prompt_tokens, "cached_tokens": cached_tokens,
            "prompt_rate": (prompt_tokens - cached_tokens) / times[0],
            "rate": (completion_tokens - 1) / (times[-1] - times[0]), "tokens": completion_tokens}


def ask_ours(server, character, question):
    started = time.perf_counter()
    times, done = [], None
    with requests.post(server.url + "/ask-question-text", stream=True, timeout=300, json={
            "character_id": character, "question": question, "audio": False, "stream": True}) as stream:
        for name, data in events(stream):
            if name == "text":
                times.append(time.perf_counter() - started)
            done = data
    timings = done["timings"]
    return turn(times, timings["prompt_tokens"], timings["cached_tokens"], timings["completion_tokens"])


def bench_mind(report, folder, rounds=7):
    original, requantised = find_minds()
    turns = {"Titans": [], "llama-server, same file": [], "llama-server, original file": []}
    with Server(folder / "mind", models=MODELS, THREADS=THREADS) as server, LlamaServer(requantised) as same, \
            LlamaServer(original) as first:
        for number in range(rounds + 1):
            persona = f"Note {number * 7919}. {PERSONA}"  # another begin each time: nothing of it is known yet
            for name, theirs in (("Titans", None), ("llama-server, same file", same),
                                 ("llama-server, original file", first)):
                if theirs is None:
                    character = server.create(f"Bench {number}", llm_config={
                        "system_prompt": persona, "temperature": 0, "repeat_penalty": 1,
                        "max_tokens": ANSWER_TOKENS}).json()["character_id"]
                    pair = [ask_ours(server, character, question) for question in QUESTIONS]
                else:
                    pair = [theirs.ask(persona, question) for question in QUESTIONS]
                if number > 0:  # the first round loads
                    turns[name].append(pair)
    measures = {name: {
        "cold first token": median(cold["first"] for cold, _ in pairs),
        "second first token": median(warm["first"] for _, warm in pairs),
        "second / cold": median(warm["first"] / cold["first"] for cold, warm in pairs),
        "prompt tokens/s": median(cold["prompt_rate"] for cold, _ in pairs),
        "tokens/s": median(turn["rate"] for pair in pairs for turn in pair),
    } for name, pairs in turns.items()}
    report.add("## The mind, against `llama-server`")
    report.add()
    cold, warm = turns["Titans"][-1]
    theirs = turns["llama-server, same file"][-1]
    report.add(f"A persona without knowledge (prompts of {cold['prompt_tokens']} tokens; llama-server's of "
               f"{theirs[0]['prompt_tokens']}), two questions, answers of up to {ANSWER_TOKENS} tokens, greedy, streamed over HTTP, "
               f"{THREADS} threads. Second question: {warm['cached_tokens']} of {warm['prompt_tokens']} prompt tokens were known "
               f"(llama-server: {theirs[1]['cached_tokens']} of {theirs[1]['prompt_tokens']}). Same file: `{requantised.name}`; "
               f"original: `SmolLM2-135M-Instruct.Q4_1.gguf`. {rounds} alternating rounds.")
    report.add()
    ours = measures["Titans"]
    rows = []
    for name, values in measures.items():
        rows.append([name, f"{values['prompt tokens/s']:.0f}", f"{values['tokens/s']:.0f}", f"{values['cold first token']:.0f}",
                     f"{values['second first token']:.0f}", f"{values['second / cold']:.2f}"])
    for name, values in list(measures.items())[1:]:
        rows.append([f"ours / {name} (rates: more is better)", f"{ours['prompt tokens/s'] / values['prompt tokens/s']:.2f}",
                     f"{ours['tokens/s'] / values['tokens/s']:.2f}",
                     f"{ours['cold first token'] / values['cold first token']:.2f}",
                     f"{ours['second first token'] / values['second first token']:.2f}", ""])
    report.table(["", "prompt tokens/s", "answer tokens/s", "first token, cold, ms", "first token, second question, ms",
                  "second / cold (aim 0.25)"], rows)


def find_minds():
    """The default mind's file as it was fetched, and the one that was made of it."""
    downloads = pathlib.Path(os.environ["TITANS_CACHE"], "downloads") if os.environ.get("TITANS_CACHE") else MODELS / ".downloads"
    original = downloads / "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
    requantised = MODELS / "smollm2-135m-instruct/SmolLM2-135M-Instruct.Q8_0.gguf"
    for file in (original, requantised):
        if not file.exists():
            sys.exit(f"bench/run: {file} is not there: ./titans models fetch smollm2-135m-instruct")
    return original, requantised


# The ears, against whisper-cli


def bench_ears(report, folder, rounds=5):
    folder.mkdir(parents=True, exist_ok=True)
    model = ggml_whisper(folder)
    rows = []
    with Server(folder / "ears", models=MODELS, THREADS=THREADS) as server:
        character = server.create("Ear", llm_config={"max_tokens": 1},
                                  stt_settings={"model": "whisper", "language": "en"}).json()["character_id"]
        clips = [SPEECH / "sense_and_sensibility_01_austen_64kb-0880.wav", SPEECH / "sense_and_sensibility_01_austen_64kb-0870.wav",
                 pathlib.Path("/usr/share/sounds/debian/samples/en-Wikipedia-Ignore_All_Rules.wav")]
        for clip in (clip for clip in clips if clip.exists()):
            ours, greedy, beam = [], [], []
            for number in range(rounds + 1):
                answer = server.ask_audio(character, clip.read_bytes(), audio="false").json()
                if number == 0:  # loads
                    continue
                ours.append(answer["timings"]["decode"] + answer["timings"]["recognise"])
                greedy.append(whisper_cli(model, clip, "-bs", "1", "-bo", "1"))
                beam.append(whisper_cli(model, clip))
            rows.append([clip.stem[-24:], f"{wav_seconds(clip):.1f}", f"{median(ours):.0f}", f"{median(greedy):.0f}",
                         f"{median(beam):.0f}", f"{median(greedy) / median(ours):.2f}", f"{median(beam) / median(ours):.2f}"])
    report.add("## The ears, against `whisper-cli`")
    report.add()
    report.add(f"Decoding and recognising, ms, without loading; both on Whisper base, {THREADS} threads, language given; medians of "
               f"{rounds} alternating rounds. The last columns say how many times faster ours is.")
    report.add()
    report.table(["recording", "seconds", "Titans", "whisper-cli, greedy", "whisper-cli, as it comes (beam 5)", "greedy / ours",
                  "beam 5 / ours"], rows)


def whisper_base():
    return next((MODELS / "whisper-base").glob("*.gguf"))


def ggml_whisper(folder):
    """Whisper base as whisper-cli reads it."""
    whisper_ggml.write(whisper_base(), folder / "whisper-base.bin")
    return folder / "whisper-base.bin"


def whisper_cli(model, clip, *options):
    """Milliseconds of one run, less those of loading the model."""
    printed = subprocess.run(["whisper-cli", "-m", model, "-t", str(THREADS), "-l", "en", "-f", clip, *options], text=True,
                             capture_output=True, stdin=subprocess.DEVNULL, check=True).stderr
    times = {name: float(value) for name, value in re.findall(r"(load|total) time =\s*([\d.]+) ms", printed)}
    return times["total"] - times["load"]


def wav_seconds(clip):
    with wave.open(str(clip)) as wav:
        return wav.getnframes() / wav.getframerate()


def bench_spoken(report, folder, questions=20):
    """From the upload's first byte until the client reads what was said, with the default models."""
    clips = sorted(SPEECH.glob("*.wav"), key=wav_seconds)
    waits = {clip: [] for clip in clips}
    with Server(folder / "spoken", models=MODELS, THREADS=THREADS) as server:
        character = server.create("Ear", llm_config={"max_tokens": 1}).json()["character_id"]
        for number in range(-1, questions):
            clip = clips[number % len(clips)]
            recording = clip.read_bytes()
            started = time.perf_counter()
            with requests.post(server.url + "/ask-question-audio", stream=True, timeout=300, files={
                    "audio_file": ("question.wav", recording)}, data={
                    "character_id": character, "audio": "false", "stream": "true"}) as stream:
                for name, _ in events(stream):
                    if name == "transcribed" and number >= 0:  # the first one loads
                        waits[clip].append((time.perf_counter() - started) * 1000)
    every = [wait for of_clip in waits.values() for wait in of_clip]
    assert len(every) == questions
    report.add("## A spoken question, until it is transcribed")
    report.add()
    report.add(f"From the upload's first byte until the client reads the event `transcribed`: {questions} questions of a WAV file over HTTP, "
               f"Whisper base, the language found out, the detector of speech before it, {THREADS} threads.")
    report.add()
    rows = [[f"{wav_seconds(clip):.1f} s", len(of_clip), f"{median(of_clip):.0f}", f"{max(of_clip):.0f}"]
            for clip, of_clip in waits.items()]
    report.table(["recording", "questions", "ms, p50", "longest"], rows + [["all", questions, f"{median(every):.0f}", f"{max(every):.0f}"]])


# Whole turns


def bench_conversation(report, folder, rounds=5):
    questions = [item["question"] for item in json.loads((EXAMPLES / "questions.json").read_text())]
    recordings = [(SPEECH / f"sense_and_sensibility_01_austen_64kb-{number}.wav").read_bytes() for number in ("0880", "0930")]
    stages = ("decode", "recognise", "recall", "first_token", "text", "first_audio", "total")
    rows = []
    with Server(folder / "conversation", models=MODELS, THREADS=THREADS) as server:
        character = server.create_example()
        for name, ask in (("text", lambda number: server.ask(character, questions[number])),
                          ("3 s of speech", lambda number: server.ask_audio(character, recordings[number % 2]))):
            ask(rounds).raise_for_status()  # loads
            timings = [ask(number).json()["timings"] for number in range(rounds)]
            rows.append([name] + ["-" if timings[0][stage] is None else f"{median(t[stage] for t in timings):.0f}"
                                  for stage in stages]
                        + [f"{median(t['cached_tokens'] for t in timings):.0f} / {median(t['prompt_tokens'] for t in timings):.0f}"])
    report.add("## A turn of the demo's character, ms")
    report.add()
    report.add(f"With knowledge, style and speech, the models loaded, not streamed, another question each time, medians of {rounds}; "
               "`decode`, `recognise` and `recall` last from start to end of the stage, the others from the begin of the turn.")
    report.add()
    report.table(["question"] + [stage.replace("_", " ") for stage in stages] + ["prompt tokens known"], rows)
