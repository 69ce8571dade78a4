"""What the measurements share: medians, tables, the machine, other servers."""

import contextlib
import http.client
import json
import os
import pathlib
import re
import shutil
import sqlite3
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path += [str(ROOT / "tests/api"), str(ROOT / "tests/fakes")]
from postgres import PostgresServer, Unavailable  # noqa: E402

THREADS = len(os.sched_getaffinity(0))
PERSONA = (ROOT / "tests/api/persona.txt").read_text()


class Report:
    def __init__(self):
        self.lines = []

    def add(self, text=""):
        print(text, flush=True)
        self.lines.append(text)

    def table(self, heads, rows):
        self.add("| " + " | ".join(heads) + " |")
        self.add("|" + "---|" * len(heads))
        for row in rows:
            self.add("| " + " | ".join(str(cell) for cell in row) + " |")
        self.add()


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def median(values):
    return statistics.median(values)


def percentile(values, percent):
    return sorted(values)[min(len(values) - 1, int(len(values) * percent / 100))]


def machine():
    text = subprocess.run(["lscpu"], text=True, capture_output=True).stdout
    facts = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    flags = facts.get("Flags", "").split()
    known = [flag for flag in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "avx_vnni", "amx_bf16", "amx_int8")
             if flag in flags]
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text())[1]) / 2**20
    return (f"{facts.get('Model name', '?').strip()} (family {facts.get('CPU family', '?').strip()}, model "
            f"{facts.get('Model', '?').strip()}), {THREADS} processors, {' '.join(known)}; {memory:.0f} GiB")


def wait_until_quiet():
    """Other work on the machine would be measured too: waits for it to end, but not for ever."""
    for _ in range(30):
        if os.getloadavg()[0] < 0.7:
            return
        time.sleep(2)
    say(f"the machine is busy (load {os.getloadavg()[0]:.1f}): the figures will be too low")


def processes(server):
    """The ids of the server's processes."""
    found = []
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(process.name)) == server.process.pid:
                found.append(int(process.name))
    return found


def memory(server):
    """Resident, proportional and anonymous memory of the server's processes, MB."""
    totals = {"Rss": 0, "Pss": 0, "Pss_Anon": 0}
    for process in processes(server):
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in totals:
                    totals[name] += int(value.split()[0]) / 1024
    return [f"{totals[name]:.0f}" for name in totals]


def reported(server, event):
    """The fields of the lines of `event` in the log of a server with LOG_LEVEL=debug, in order."""
    lines = server.log.read_text(errors="replace").splitlines()
    return [dict(field.split("=", 1) for field in line.split() if "=" in field)
            for line in lines if f" {event} " in line]


class Asker:
    """A client that keeps its connection. ask() returns the answer and the milliseconds from the request's first
    byte to the answer's last."""

    def __init__(self, server):
        self.connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)

    def ask(self, character, question, **options):
        body = json.dumps({"character_id": character, "question": question, "audio": False} | options)
        started = time.perf_counter()
        self.connection.request("POST", "/ask-question-text", body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = response.read()
        took = (time.perf_counter() - started) * 1000
        if response.status != 200:
            raise RuntimeError(f"{response.status}: {answer.decode()}")
        return json.loads(answer), took


def api_mind(upstream):
    """The settings with which the characters' mind is the one at `upstream`."""
    return {"OPENAI_BASE_URL": upstream.base_url, "OPENAI_API_KEY": "a key of the benchmark"}


class Sqlite:
    """The database of a server, from outside. `settings`: what the server needs to know; `models`: the table of the
    embedding models."""
    name = "SQLite"
    models = "vectors.model"
    settings = {}

    def rows(self, server, sql):
        """Of all the tables, also of the vectors."""
        with contextlib.closing(sqlite3.connect(server.data / "titans.db", timeout=30)) as database:
            database.execute("ATTACH ? AS vectors", [str(server.data / "vectors.db")])
            rows = database.execute(sql).fetchall()
            database.commit()
            return rows

    def close(self):
        pass


class Postgres:
    """As Sqlite; a PostgreSQL of its own, configured as it comes."""
    name = "PostgreSQL"
    models = "model"

    class Durable(PostgresServer):  # those of the tests forgo fsync
        def _spawn(self, program, *arguments):
            if program == "postgres":
                arguments += ("-c", "fsync=on", "-c", "full_page_writes=on")
            return super()._spawn(program, *arguments)

    def __init__(self):
        self.server = self.Durable()
        self.settings = self.server.settings

    def rows(self, server, sql):
        return self.server.run(sql)

    def close(self):
        self.server.kill()
        shutil.rmtree(self.server.folder)


def databases():
    """Each database in turn, new and empty, closed after use."""
    for make in (Sqlite, Postgres):
        try:
            database = make()
        except Unavailable as reason:
            say(f"without PostgreSQL: {reason}")
            continue
        try:
            yield database
        finally:
            database.close()
