"""Large knowledge: how soon it answers, and how long recalling takes among many passages."""

import json
import os
import pathlib
import random
import subprocess
import sys
import time
import zlib

import prose
from measuring import ROOT, Asker, api_mind, databases, median, percentile, reported, say
from server import MODELS, Server
from upstream import FakeUpstream

CHROMA = "1.5.9"
PARAGRAPHS = 12_900  # 10 MB
PASSAGES = 20_000
LOCAL_MODEL = "all-minilm-l6-v2"  # as its vectors carry it
DIMENSIONS = 384
TOPICS = 400
WARM = 10


def count(database, server, table):
    return int(database.rows(server, f"SELECT count(*) FROM {table}")[0][0])


# Making a character of much text


def bench_create(report, folder, watched=10):
    document = prose.document(PARAGRAPHS)
    wanted = PARAGRAPHS // 2
    rows = []
    for database in databases():
        with FakeUpstream(answer="Yes.") as mind, \
                Server(folder / database.name, models=MODELS, **database.settings, **api_mind(mind)) as server:
            small = server.create("Small", knowledge=("small.txt", prose.document(3))).json()["character_id"]
            Asker(server).ask(small, "Who sold the amber?")  # the models are loaded
            started = time.perf_counter()
            made = server.create("Large", knowledge=("large.txt", document))
            created = time.perf_counter() - started
            assert made.status_code == 201, made.text
            asker = Asker(server)
            recalls = []
            while time.perf_counter() - started < 120:
                answer, _ = asker.ask(made.json()["character_id"], prose.question(wanted))
                found = time.perf_counter() - started
                recalls.append(answer["timings"]["recall"])
                if any(prose.answers(wanted, source["text"]) for source in answer["sources"]):
                    break
                time.sleep(0.05)
            else:
                found = float("inf")
            before, then = count(database, server, "passage_vector"), time.perf_counter()
            time.sleep(watched)
            rate = (count(database, server, "passage_vector") - before) / (time.perf_counter() - then)
            passages = count(database, server, "passage")
            rows.append([database.name, f"{created:.1f}", f"{found:.1f}", 10, len(recalls), f"{max(recalls):.0f}", passages,
                         f"{rate:.0f}", f"{passages / rate / 60:.1f}" if rate else "-"])
    report.add("## Making a character of 10 MB of text")
    report.add()
    report.add(f"{len(document) / 1e6:.1f} MB; each paragraph has a fact that stands nowhere else. From the upload's first byte "
               "until create answers, and until a question about the fact in the middle finds its passage: asked at once, and again "
               "until it does. Words can find it from the first moment on; the vectors follow in the background, at a rate that was "
               f"watched for {watched} s.")
    report.add()
    report.table(["", "created, s", "found, s", "aim", "questions asked", "slowest recall, ms", "passages", "vectors/s then",
                  "minutes for all, at that rate"], rows)


# Recalling among many passages


def vector_of(text):
    """Numbers that the text alone decides. As with real ones, many texts are near each other: those of one topic."""
    def direction(seed):
        return random.Random(seed).choices(range(-128, 128), k=DIMENSIONS)

    seed = zlib.crc32(text.encode())
    vector = [topic + own for topic, own in zip(direction(seed % TOPICS), direction(seed + TOPICS))]
    length = sum(number * number for number in vector) ** 0.5
    return [round(number / length, 7) for number in vector]


def answer_vectors(exchange):
    texts = exchange.request.json["input"]
    texts = [texts] if isinstance(texts, str) else texts
    exchange.json(200, {"object": "list", "data": [{"object": "embedding", "index": i, "embedding": vector_of(text)}
                                                   for i, text in enumerate(texts)]})


def bench_recall(report, folder, questions=150):
    document = prose.document(PASSAGES)
    rows, chroma = [], None
    for database in databases():
        home = folder / database.name
        with FakeUpstream(answer="Yes.") as mind:
            mind.embeddings = answer_vectors
            with Server(home, EMBEDDING_MODEL="bench", **database.settings, **api_mind(mind)) as server:
                character = server.create("Large", knowledge=("large.txt", document)).json()["character_id"]
                deadline = time.monotonic() + 240
                while (vectors := count(database, server, "passage_vector")) < count(database, server, "passage"):
                    if time.monotonic() > deadline:
                        raise RuntimeError(f"only {vectors} passages have vectors")
                    time.sleep(0.5)
            # From now on they count as the local model's.
            database.rows(server, f"UPDATE {database.models} SET name = '{LOCAL_MODEL}' WHERE name = 'bench'")
            with Server(home, models=MODELS, LOG_LEVEL="debug", **database.settings, **api_mind(mind)) as server:
                asker = Asker(server)
                recalls = [asker.ask(character, prose.question(number * 131))[0]["timings"]["recall"]
                           for number in range(WARM + questions)]
                found = reported(server, "recall.by_meaning")
                embeds = [float(line["embed_ms"]) for line in found]
                searches = [float(line["search_ms"]) for line in found]
                assert len(searches) == len(recalls)
                words = [recall - embed - search for recall, embed, search in zip(recalls, embeds, searches)]
                rows.append([database.name, vectors, f"{recalls[0]:.0f}", f"{median(recalls[WARM:]):.1f}",
                             f"{percentile(recalls[WARM:], 95):.1f}", 20, f"{median(embeds[WARM:]):.1f}",
                             f"{median(words[WARM:]):.1f}", f"{median(searches[WARM:]):.1f}",
                             f"{percentile(searches[WARM:], 95):.1f}"])
                if database.name == "SQLite":
                    chroma = ask_chroma(server.data, folder / "chroma")
    report.add(f"## Recalling among {PASSAGES:,} passages, ms")
    report.add()
    report.add(f"`timings.recall` of {questions} questions to one character, one after the other, and its parts: the local embedding "
               "model on the question; what the search by words, beside it, adds to that; the search by meaning (exact). The stored vectors are not the model's, "
               f"which would need minutes for so many, but made-up ones of its {DIMENSIONS} dimensions, in {TOPICS} clusters: an "
               "exact search takes as long for them. The first question after a start also loads the model and reads the vectors.")
    report.add()
    report.table(["", "vectors", "first question", "recall, p50", "recall, p95", "aim", "embedding, p50", "by words, p50",
                  "by meaning, p50", "by meaning, p95"], rows)
    if not chroma:
        report.add("Chroma, which searches the vectors of the specification's Python server, was not to be had here.")
        report.add()
        return
    report.add(f"The same vectors and texts in Chroma {chroma['version']}, with which the specification's Python server searches: its "
               "persistent client, in the process that asks; cosine, else as it comes (HNSW, approximate); 20 results with their "
               f"texts, as many as ours reads; {chroma['questions']} questions beside stored vectors. Putting them in took it "
               f"{chroma['add_s']:.0f} s.")
    report.add()
    table = [["Chroma", f"{chroma['p50']:.1f}", f"{chroma['p95']:.1f}", f"{chroma['recall']:.3f}", ""]]
    for row in rows:
        table.append([f"Titans, {row[0]}", row[8], row[9], "1 (exact)", f"{chroma['p50'] / float(row[8]):.2f}"])
    report.table(["search by meaning", "p50", "p95", "of the 3 nearest found", "Chroma / ours (more is better)"], table)


def ask_chroma(data, folder):
    """What chroma_yardstick.py says about the vectors below `data`; None if Chroma cannot be had."""
    cache = pathlib.Path(os.environ.get("TITANS_CACHE", ROOT / "build"))
    packages = cache / f"chromadb-{CHROMA}-py{sys.version_info.major}.{sys.version_info.minor}"
    if not (packages / "complete").exists():
        fetched = subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--target", packages, "--upgrade",
                                  f"chromadb=={CHROMA}"], capture_output=True, text=True, timeout=300)
        if fetched.returncode != 0:
            say(f"Chroma could not be fetched: {fetched.stderr.strip()[-200:]}")
            return None
        (packages / "complete").touch()
    done = subprocess.run([sys.executable, ROOT / "bench/chroma_yardstick.py", data, folder], text=True, capture_output=True,
                          env=os.environ | {"PYTHONPATH": str(packages)}, timeout=300)
    if done.returncode != 0:
        say(f"Chroma failed: {done.stderr.strip()[-500:]}")
        return None
    return json.loads(done.stdout)
