"""Many who ask at once, against llama-server with as many slots."""

import threading
import time

import requests
from engines import LlamaServer, find_minds
from measuring import PERSONA, THREADS, median
from server import MODELS, Server

ASKERS = 16
QUESTIONS = 3  # of each asker
TOKENS = 40
THINGS = """the sea|your lamp|the storm|your boat|the fog|your stove|the gulls|your books|the winter|your boots|the rocks|your
    bread|the ships|your letters|the stars|your clock""".replace("\n    ", " ").split("|")


def question(asker, number):
    return (f"What do you think of {THINGS[asker]} in the morning?", f"And what of {THINGS[asker]} at night?",
            f"Who else knows of {THINGS[asker]}?")[number]


class Ours:
    def __init__(self, server):
        self.server = server
        self.character = server.create("Keeper", llm_config={
            "system_prompt": PERSONA, "temperature": 0, "repeat_penalty": 1, "max_tokens": TOKENS}).json()["character_id"]

    def ask(self, text):
        """The tokens of the answer."""
        response = self.server.ask(self.character, text, audio=False)
        response.raise_for_status()
        return response.json()["timings"]["completion_tokens"]


class Theirs:
    def __init__(self, server):
        self.server = server

    def ask(self, text):
        response = requests.post(self.server.url + "/v1/chat/completions", timeout=300, json={
            "messages": [{"role": "system", "content": PERSONA}, {"role": "user", "content": text}],
            "temperature": 0, "max_tokens": TOKENS})
        response.raise_for_status()
        return response.json()["usage"]["completion_tokens"]


class Crowd:
    """What `askers` who begin at once wait for their answers. `waits`: a list of seconds for each asker."""

    def __init__(self, mind, askers, meanwhile=lambda: None, questions=QUESTIONS):
        self.waits = [[] for _ in range(askers)]
        self.tokens = 0
        together = threading.Barrier(askers + 1)
        lock = threading.Lock()

        def talk(asker):
            together.wait()
            for number in range(questions):
                started = time.perf_counter()
                tokens = mind.ask(question(asker, number))
                with lock:
                    self.waits[asker].append(time.perf_counter() - started)
                    self.tokens += tokens

        threads = [threading.Thread(target=talk, args=(asker,)) for asker in range(askers)]
        for thread in threads:
            thread.start()
        together.wait()
        started = time.perf_counter()
        meanwhile()
        for thread in threads:
            thread.join()
        self.seconds = time.perf_counter() - started
        self.answers = sum(map(len, self.waits))
        if self.answers != askers * questions:
            raise RuntimeError("an asker got no answer")

    def row(self, name):
        waits = [wait for each in self.waits for wait in each]
        # The first questions all come at one moment, so that one has to be the last: later ones show what is fair.
        means = [sum(each[1:]) / len(each[1:]) for each in self.waits]
        return [name, f"{self.answers / self.seconds * 60:.0f}", f"{self.tokens / self.seconds:.0f}", f"{median(waits):.1f}",
                f"{max(waits):.1f}", f"{max(means) / min(means):.2f}"]


def bench_askers(report, folder):
    _, model = find_minds()
    refused = None
    with Server(folder / "askers", models=MODELS, THREADS=THREADS, QUEUE_SIZE=ASKERS) as server:
        ours = Ours(server)
        ours.ask("Hello?")  # loads

        def ask_in_vain():
            nonlocal refused
            time.sleep(0.3)
            refused = server.ask(ours.character, "And me?", audio=False).status_code

        alone = Crowd(ours, 1)
        crowd = Crowd(ours, ASKERS, ask_in_vain)
    with LlamaServer(model, slots=ASKERS, context=ASKERS * 1024) as server:
        theirs = Theirs(server)
        Crowd(theirs, ASKERS, questions=1)  # every slot knows the persona
        their_alone = Crowd(theirs, 1)
        their_crowd = Crowd(theirs, ASKERS)
    report.add(f"## {ASKERS} askers at once, against `llama-server`")
    report.add()
    report.add(f"The default mind, the same file in both, {THREADS} threads; {QUESTIONS} questions of each asker, one after the "
               f"other, answers of up to {TOKENS} tokens, greedy; the persona is known from earlier questions. Titans writes up to "
               f"8 answers at once, `QUEUE_SIZE={ASKERS}`; `llama-server -np {ASKERS}` all together. One more question while "
               f"all {ASKERS} wait got {refused} (aim 503). Last column: the mean wait of the asker who waits longest, divided by "
               "that of the one who waits shortest, without their first questions.")
    report.add()
    report.table(["", "answers/min", "answer tokens/s", "wait, s, median", "longest", "longest / shortest mean wait"], [
        alone.row("Titans, one asker"), crowd.row(f"Titans, {ASKERS}"), their_alone.row("llama-server, one asker"),
        their_crowd.row(f"llama-server, {ASKERS}"),
        ["ours / theirs, one asker", *ratios(alone, their_alone), ""],
        [f"ours / theirs, {ASKERS}", *ratios(crowd, their_crowd), ""]])


def ratios(ours, theirs):
    def waits(crowd):
        return [wait for each in crowd.waits for wait in each]

    return [f"{ours.answers / ours.seconds / (theirs.answers / theirs.seconds):.2f}",
            f"{ours.tokens / ours.seconds / (theirs.tokens / theirs.seconds):.2f}",
            f"{median(waits(ours)) / median(waits(theirs)):.2f}", f"{max(waits(ours)) / max(waits(theirs)):.2f}"]
