"""The server as a process: starting, memory, and whether it answers while it computes."""

import http.client
import threading
import time

from measuring import PERSONA, median, memory, percentile, say
from server import MODELS, SPEECH, Server
from turns import grow


def bench_start(report, folder):
    times = []
    for number in range(7):
        server = Server(folder / f"start{number}", models=MODELS).start()
        times.append(server.ready_seconds * 1000)
        server.stop()
    report.add("## Starting")
    report.add()
    report.table(["", "median", "lowest", "highest", "runs"],
                 [["exec to `ready`, ms", f"{median(times):.0f}", f"{min(times):.0f}", f"{max(times):.0f}", len(times)]])


def bench_memory(report, folder):
    rows = []
    with Server(folder / "bare") as server:
        server.get("/")
        time.sleep(1)
        rows.append(["idle, no model"] + memory(server))
    with Server(folder / "full", models=MODELS) as server:
        character = server.create_example()
        rows.append(["after one character (embedding)"] + memory(server))
        server.ask(character, "Where do you live?", audio=False).raise_for_status()
        rows.append(["after one text question (+ mind)"] + memory(server))
        server.ask_audio(character, (SPEECH / "sense_and_sensibility_01_austen_64kb-0880.wav").read_bytes()).raise_for_status()
        time.sleep(1)
        rows.append(["after one spoken question (+ ears, voice)"] + memory(server))
    report.add("## Memory, MB")
    report.add()
    report.table(["", "resident", "proportional", "of it anonymous"], rows)
    grow(report, folder / "turns")


# GET / while a model generates


def bench_latency(report, folder):
    with Server(folder / "latency", models=MODELS) as server:
        character = server.create("Talker", llm_config={"system_prompt": PERSONA, "max_tokens": 1000, "top_k": 0,
                                                        "top_p": 1, "min_p": 0, "temperature": 2}).json()["character_id"]
        server.ask(character, "Hello?", audio=False).raise_for_status()
        quiet = get_latencies(server, 300)
        over = threading.Event()
        tokens = 0

        def talk():
            nonlocal tokens
            while not over.is_set():
                answer = server.ask(character, "Tell me about your work and about the sea, in great detail.", audio=False).json()
                tokens += answer["timings"]["completion_tokens"]

        talker = threading.Thread(target=talk)
        talker.start()
        time.sleep(0.5)
        busy = get_latencies(server, 1000)
        over.set()
        talker.join()
        say(f"{tokens} tokens were generated meanwhile")
    report.add("## `GET /`, ms")
    report.add()
    report.table(["", "p50", "p99", "highest", "requests", "aim"], [
        [name, f"{percentile(times, 50):.2f}", f"{percentile(times, 99):.2f}", f"{max(times):.2f}", len(times), aim]
        for name, times, aim in (("idle", quiet, ""), ("while a model generates", busy, "p50 < 5, p99 < 20"))])


def get_latencies(server, count):
    times = []
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    for _ in range(count):
        started = time.perf_counter()
        connection.request("GET", "/")
        connection.getresponse().read()
        times.append((time.perf_counter() - started) * 1000)
        time.sleep(0.004)
    connection.close()
    return times
