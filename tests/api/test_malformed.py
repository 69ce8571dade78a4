"""Strangers who send what is no request, or not all of it: they harm nobody, and nothing is left of them."""

import contextlib
import pathlib
import queue
import random
import re
import socket
import threading
import time

import pytest
import requests
from malformed import Malformer
from server import EXAMPLES, Server

PICTURE = (EXAMPLES / "picture.png").read_bytes()[:4000]
# 501: services that there are not yet; 502: the hub, which is not there.
ALLOWED = {501, 502, 503}


def answers_to(port, request, patience=10):
    """The statuses of all answers to `request`. What is only begun is given up after a moment."""
    said = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience) as connection:
        try:
            connection.sendall(request)
            connection.settimeout(0.3)
            try:
                while more := connection.recv(1 << 16):
                    said += more
            except TimeoutError:
                if not said:
                    connection.shutdown(socket.SHUT_WR)
                    connection.settimeout(patience)
                    while more := connection.recv(1 << 16):
                        said += more
        except (ConnectionError, BrokenPipeError):
            pass
    return [int(status) for status in re.findall(rb"^HTTP/1\.1 (\d{3})", said, re.MULTILINE)], said


def send_malformed(server, count, seed):
    """Sends them from 8 clients at once, and returns how often each status came. Meanwhile GET / is answered."""
    source = Malformer(random.Random(seed), PICTURE)
    todo, statuses, faults = queue.Queue(), {}, []
    for number in range(count):
        todo.put((number, source.next()))

    def work():
        while not faults:
            try:
                number, request = todo.get_nowait()
            except queue.Empty:
                return
            try:
                got, said = answers_to(server.port, request)
            except Exception as error:
                faults.append(f"{number} {error!r}: {request[:400]}")
                return
            for status in got or [0]:
                statuses[status] = statuses.get(status, 0) + 1
                if status >= 500 and status not in ALLOWED:
                    faults.append(f"{number}: {status} {said[-300:]} to {request[:3000]}")

    clients = [threading.Thread(target=work) for _ in range(8)]
    for client in clients:
        client.start()
    while any(client.is_alive() for client in clients):
        started = time.monotonic()
        assert requests.get(server.url + "/", timeout=5).status_code == 200
        assert time.monotonic() - started < 3
        time.sleep(0.1)
    assert not faults, faults[0]
    return statuses


def resident_megabytes(server):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{server.process.pid}/status").read_text())[1]) / 1024


def check_malformed(folder, count, seed):
    with Server(folder, MAX_UPLOAD_MB=2, HF_ENDPOINT="http://127.0.0.1:9", LOG_LEVEL="error",
                ALLOWED_PRIVATE_HOSTS="127.0.0.1") as server:
        assert server.create("Target", knowledge=("k.txt", b"A stone.")).json()["character_id"] == 1
        folders = {path.name for path in server.data.iterdir()}
        first = send_malformed(server, count, seed)
        before = resident_megabytes(server)
        second = send_malformed(server, count, seed + 1)
        grown = resident_megabytes(server) - before
        assert server.process.poll() is None
        print(f"{first} {second} grown by {grown:.1f} MiB")
        refused = sum(number for status, number in (first | second).items() if 400 <= status < 500)
        assert refused > count / 3, "they were not malformed"
        assert grown < 8, f"the server grew by {grown:.1f} MiB"
        # Some of them were sound enough to make a character.
        made = server.get("/get-characters").json()["characters"]
        assert server.create("Ada", image=("a.png", (EXAMPLES / "picture.png").read_bytes())).status_code == 201
        assert server.ask(1, "What is there?", audio=False).status_code == 200
        assert {path.name for path in server.data.iterdir()} == folders
        assert not [path for path in (server.data / "uploads").rglob("*") if path.is_file()]
        files = {path.name for path in (server.media / "files").iterdir()}
        pictures = {c["image_url"].rpartition("/")[2] for c in made if c["image_url"]}
        assert len([name for name in files - pictures if name.endswith((".png", ".jpg"))]) == 1


def test_malformed_requests_are_their_senders_fault(tmp_path):
    check_malformed(tmp_path, 200, seed=11)


@pytest.mark.long
def test_two_thousand_malformed_requests(tmp_path):
    check_malformed(tmp_path, 1000, seed=13)


# --- Who sends nothing, or a byte a second ------------------------------------------------------------------------------

HEAD = b"POST /load-character HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n"


class Idlers:
    """200 connections: half of them say nothing, a quarter sends a head byte by byte, a quarter a body. A dozen do not
    read what they have asked for."""

    def __init__(self, port):
        self._all = {name: [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(count)]
                     for name, count in (("silent", 88), ("head", 50), ("body", 50), ("deaf", 12))}
        for connection in self._all["body"]:
            connection.sendall(HEAD + b"\r\n{")
        for connection in self._all["deaf"]:
            connection.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100)
        for connection in (connection for connections in self._all.values() for connection in connections):
            connection.setblocking(False)
        self._sent = 0

    def send_a_byte(self):
        """Each of the slow ones sends its next byte. Returns the number of connections of each kind that are open."""
        for name, byte in (("head", HEAD[self._sent:self._sent + 1]), ("body", b" ")):
            for connection in self._all[name]:
                try:
                    connection.send(byte)
                except OSError:
                    pass
        self._sent += 1
        return {name: sum(map(self._is_open, connections)) for name, connections in self._all.items() if name != "deaf"}

    @staticmethod
    def _is_open(connection):
        try:
            return connection.recv(1) != b""
        except BlockingIOError:
            return True
        except OSError:
            return False

    def close(self):
        for connections in self._all.values():
            for connection in connections:
                connection.close()


def normal_seconds(server):
    """How long a normal client waits for four things."""
    started = time.monotonic()
    assert requests.get(server.url + "/", timeout=5).status_code == 200
    made = server.create("Ada", knowledge=("k.txt", b"The lighthouse was built in 1871."))
    assert made.status_code == 201
    number = made.json()["character_id"]
    assert server.ask(number, "When was the lighthouse built?", audio=False).status_code == 200
    assert server.delete(f"/delete-character/{number}").status_code == 200
    return time.monotonic() - started


def test_two_hundred_idle_and_slow_clients_hold_up_nobody(bare):
    with contextlib.closing(Idlers(bare.port)) as idlers:
        for _ in range(3):
            open_ = idlers.send_a_byte()
            assert normal_seconds(bare) < 2
            time.sleep(0.2)
        assert open_ == {"silent": 88, "head": 50, "body": 50}


@pytest.mark.long
def test_idle_and_slow_clients_are_cut_off(tmp_path):
    with Server(tmp_path, REQUEST_TIMEOUT=5) as server, contextlib.closing(Idlers(server.port)) as idlers:
        started, gone = time.monotonic(), {}
        while len(gone) < 3 and time.monotonic() - started < 110:
            for name, count in idlers.send_a_byte().items():
                if count == 0:
                    gone.setdefault(name, time.monotonic() - started)
            assert normal_seconds(server) < 2
            time.sleep(1)
        assert gone.keys() == {"silent", "head", "body"}, gone
        assert gone["head"] < 30 and gone["body"] < 90 and gone["silent"] < 100, gone
        print(gone)
