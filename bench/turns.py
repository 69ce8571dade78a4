"""What a turn costs beside the engines: the server's own time, and what a thousand turns leave behind."""

import concurrent.futures
import contextlib
import json
import pathlib
import time

from measuring import Asker, api_mind, databases, median, memory, percentile, processes, reported
from server import EXAMPLES, MODELS, Server
from upstream import FakeUpstream

AIM_MS = 5
ANSWER = "I keep the light, and the light keeps me. It was lit in 1871."
SESSION_TURNS = 25


class TimedUpstream(FakeUpstream):
    """`times`: milliseconds of each exchange, from when it has the connection to when the answer's last byte is sent."""

    def __init__(self, **options):
        super().__init__(**options)
        self.times = times = []

        class Timed(self._server.RequestHandlerClass):
            def handle(self):
                started = time.perf_counter()
                super().handle()
                times.append((time.perf_counter() - started) * 1000)

        self._server.RequestHandlerClass = Timed


def bench_overhead(report, folder, turns=200, warm=20, spoken=10):
    report.add("## The server's own time in a turn")
    report.add()
    report.add(f"Text questions to the example's character over one kept connection, without audio; its knowledge is recalled with "
               "the local embedding model, and its mind is a program on this machine that answers at once. Own time: what the client "
               "waits, less what the embedding model computes, less what the mind takes from getting the connection to sending its "
               "last byte. Searching, the prompt, HTTP to both sides and the database are in it. Sessions, of "
               f"{SESSION_TURNS} turns, are read before and written after each question. {turns} turns each, ms.")
    report.add()
    rows = []
    for database in databases():
        with TimedUpstream(answer=ANSWER) as mind, Server(folder / database.name, models=MODELS, LOG_LEVEL="debug",
                                                          **database.settings, **api_mind(mind)) as server:
            character = server.create_example()
            asker = Asker(server)
            for kind in ("each question alone", "in sessions"):
                walls, recalls, before = [], [], None
                for number in range(-warm, turns):
                    if number == 0:
                        time.sleep(0.1)  # until the last of the warm ones is noted
                        before = len(mind.times), len(reported(server, "recall.by_meaning"))
                    session = {"session_id": f"session {number // SESSION_TURNS}"} if kind == "in sessions" else {}
                    answer, wall = asker.ask(character, f"What happened in the year {1850 + number}?", **session)
                    if number >= 0:
                        walls.append(wall)
                        recalls.append(answer["timings"]["recall"])
                time.sleep(0.1)
                minds = mind.times[before[0]:]
                found = reported(server, "recall.by_meaning")[before[1]:]
                embeddings = [float(line["embed_ms"]) for line in found]
                assert len(minds) == len(embeddings) == turns
                own = [wall - mind - embedding for wall, mind, embedding in zip(walls, minds, embeddings)]
                searches = [recall - embedding for recall, embedding in zip(recalls, embeddings)]
                rows.append([f"{database.name}, {kind}", f"{median(walls):.1f}", f"{median(minds):.1f}",
                             f"{median(embeddings):.1f}", f"{median(searches):.1f}", f"{median(own):.1f}",
                             f"{percentile(own, 95):.1f}", AIM_MS])
    report.table(["", "client waits, p50", "the mind, p50", "the embedding, p50", "searching, p50", "own time, p50", "own time, p95",
                  "aim"], rows)
    with Server(folder / "local", models=MODELS) as server:
        character = server.create_example()
        questions = [item["question"] for item in json.loads((EXAMPLES / "questions.json").read_text())]
        asker = Asker(server)
        outside = []
        for number in range(-1, spoken):
            answer, wall = asker.ask(character, questions[number % len(questions)], audio=True)
            if number >= 0:
                outside.append(wall - answer["timings"]["total"])
    report.add(f"With the local mind and speech the client waits {median(outside):.1f} ms (median; at most {max(outside):.1f}) longer "
               f"than `timings.total`, which begins and ends inside the server: {spoken} spoken answers on SQLite.")
    report.add()


def open_files(server):
    count = 0
    for process in processes(server):
        with contextlib.suppress(OSError):
            count += len(list(pathlib.Path(f"/proc/{process}/fd").iterdir()))
    return count


def grow(report, folder, askers=4, characters=8, spoken=4):
    """Memory and open files after up to a thousand turns."""
    rows = []
    with FakeUpstream(answer=ANSWER) as mind, \
            Server(folder, models=MODELS, **api_mind(mind)) as server, \
            concurrent.futures.ThreadPoolExecutor(askers) as pool:
        keepers = [server.create_example(f"Keeper {number}") for number in range(characters)]
        clients = [Asker(server) for _ in range(askers)]

        def talk(client, numbers):
            for number in numbers:
                client.ask(keepers[number % characters], f"What happened in the year {number}?",
                           audio=number // characters % spoken == 0, session_id=f"session {number // 100}")

        asked = 0
        for turns in (100, 500, 1000):
            shares = [range(asked + first, turns, askers) for first in range(askers)]
            for share in [pool.submit(talk, client, numbers) for client, numbers in zip(clients, shares)]:
                share.result()
            asked = turns
            mind.requests.clear()
            time.sleep(1)
            rows.append([turns] + memory(server) + [open_files(server)])
    report.add("### After many turns")
    report.add()
    report.add(f"{askers} clients at once ask {characters} characters with knowledge, in sessions; every {spoken}th answer is "
               "spoken; the mind is a program that answers at once.")
    report.add()
    report.table(["turns", "resident", "proportional", "of it anonymous", "open files"], rows)
