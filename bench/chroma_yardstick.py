"""chroma_yardstick.py DATA FOLDER: puts the vectors and texts of a server's SQLite files below DATA into a Chroma database in
FOLDER, asks it, and prints what was measured as JSON. Needs chromadb, which brings NumPy."""

import contextlib
import json
import pathlib
import sqlite3
import sys
import time

import chromadb
import numpy

QUESTIONS = 200
WARM = 20
RESULTS = 20
PAGE = 5000


def main(data, folder):
    with contextlib.closing(sqlite3.connect(data / "titans.db")) as database:
        database.execute("ATTACH ? AS vectors", [str(data / "vectors.db")])
        rows = database.execute("SELECT id, text, vector FROM passage "
                                "JOIN vectors.passage_vector ON passage_id = id").fetchall()
    ids = [str(row[0]) for row in rows]
    texts = [row[1] for row in rows]
    vectors = numpy.stack([numpy.frombuffer(row[2], dtype="<f4") for row in rows])

    client = chromadb.PersistentClient(str(folder), settings=chromadb.Settings(anonymized_telemetry=False))
    collection = client.create_collection("knowledge", metadata={"hnsw:space": "cosine"}, embedding_function=None)
    started = time.perf_counter()
    for start in range(0, len(ids), PAGE):
        part = slice(start, start + PAGE)
        collection.add(ids=ids[part], embeddings=vectors[part], documents=texts[part])
    added = time.perf_counter() - started

    chance = numpy.random.default_rng(1871)
    chosen = vectors[chance.integers(len(vectors), size=QUESTIONS + WARM)]
    noise = chance.standard_normal(chosen.shape).astype("f4")
    questions = chosen + 0.7 * noise / numpy.linalg.norm(noise, axis=1, keepdims=True)
    questions /= numpy.linalg.norm(questions, axis=1, keepdims=True)
    times, found = [], 0
    for question in questions:
        started = time.perf_counter()
        answer = collection.query(query_embeddings=[question], n_results=RESULTS, include=["documents", "distances"])
        times.append((time.perf_counter() - started) * 1000)
        nearest = numpy.argsort(-(vectors @ question))[:3]
        found += len({ids[i] for i in nearest} & set(answer["ids"][0][:3]))
    times = sorted(times[WARM:])
    print(json.dumps({"version": chromadb.__version__, "questions": QUESTIONS, "add_s": added, "p50": times[len(times) // 2],
                      "p95": times[int(len(times) * 0.95)], "recall": found / 3 / len(questions)}))


main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
