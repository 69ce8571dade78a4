"""What the server keeps when it, its database or its disk fails in the midst of work."""

import contextlib
import hashlib
import json
import os
import pathlib
import random
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from keepers import PICTURE, World
from server import PROGRAM, Server, free_port

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "fakes"))
from hub import FakeHub  # noqa: E402
from upstream import FakeUpstream, slow  # noqa: E402

MEGABYTE = 1 << 20
HUB = {"HUGGINGFACE_API_KEY": "", "HF_TOKEN": "", "HF_TOKEN_PATH": "/nonexistent/token", "HF_HOME": "/nonexistent"}


@pytest.fixture
def upstream():
    with FakeUpstream() as fake:
        yield fake


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request):
    """The settings of an empty database, of either kind."""
    if request.param == "sqlite":
        return {}
    return request.getfixturevalue("postgres").make_database(f"faults {time.monotonic_ns()}")


# --- The server is killed -----------------------------------------------------------------------------------------------


def check_kills(folder, upstream, database, kills, seed):
    moments = random.Random(seed)
    world = World(upstream, seed)
    for _ in range(kills):
        server = Server(folder, **world.settings, **database).start()
        try:
            world.check(server)
            with world.at_work(server, keepers=3):
                time.sleep(moments.uniform(0.05, 0.8))
                server.kill()
        finally:
            server.kill()
    with Server(folder, **world.settings, **database) as server:
        world.check(server)
        # A last kill, with nothing under way.
        server.kill()
    with Server(folder, **world.settings, **database) as server:
        world.check(server)
    assert all(world.done.values()), f"the kills came before anything was done: {world.done}"
    assert sum(world.cut.values()) >= kills, f"the kills came while nothing was done: {world.cut}"
    assert all(answer.ok for _, answer, _ in world.answers), [a.text for _, a, _ in world.answers if not a.ok]
    print(f"{kills} kills: {world.done} were answered; of those that were not, {world.cut}")


def test_killed_at_random_moments_it_keeps_what_it_acknowledged(tmp_path, upstream, database):
    check_kills(tmp_path, upstream, database, kills=8, seed=4)


@pytest.mark.long
def test_killed_at_fifty_random_moments(tmp_path, upstream, database):
    check_kills(tmp_path, upstream, database, kills=50, seed=5)


def stored(models):
    """The files in the models' folder, but for the records of downloads."""
    return {str(file.relative_to(models)): hashlib.sha256(file.read_bytes()).hexdigest()
            for file in models.rglob("*") if file.is_file() and file.name != "model.json"}


def check_killed_downloads(folder, kills):
    """A server that is killed again and again while it downloads gets all of it in the end, and never counts a part."""
    content = random.Random(6).randbytes(6 * MEGABYTE)
    models, moments = folder / "models", random.Random(7)
    wanted = {"model_name": "someone/mind"}
    with FakeHub({"someone/mind": {"mind-Q8_0.gguf": content}}) as hub:
        repository = hub.repository("someone/mind")
        repository.bytes_per_second = 4 * MEGABYTE if kills < 10 else MEGABYTE

        def ask_for_it(server):
            try:
                requests.post(server.url + "/download-model", json=wanted, timeout=60)
            except requests.RequestException:
                pass

        for _ in range(kills):
            repository.cuts += moments.randint(0, 1)
            with Server(folder, models=models, HF_ENDPOINT=hub.url, **HUB) as server:
                character = server.create("Downloaded", llm_model="someone/mind").json()
                if "POST /download-model" not in " ".join(character["warnings"]):
                    assert (models / "someone/mind/mind-Q8_0.gguf").read_bytes() == content
                client = threading.Thread(target=ask_for_it, args=(server,))
                client.start()
                time.sleep(moments.uniform(0.02, 0.3))
                server.kill()
                client.join()
        repository.bytes_per_second = 0
        with Server(folder, models=models, HF_ENDPOINT=hub.url, **HUB) as server:
            answer = server.post("/download-model", json=wanted)
            assert answer.status_code == 200, answer.text
            assert server.get("/health").json()["downloads"] == []
        assert stored(models) == {"someone/mind/mind-Q8_0.gguf": hashlib.sha256(content).hexdigest()}
        # Each kill and each cut costs at most what was under way.
        assert sum(request.sent for request in hub.of("cdn")) < 4 * len(content)


def test_a_download_goes_on_after_kills(tmp_path):
    check_killed_downloads(tmp_path, kills=5)


@pytest.mark.long
def test_a_download_goes_on_after_fifty_kills(tmp_path):
    check_killed_downloads(tmp_path, kills=50)


# --- The database goes away ---------------------------------------------------------------------------------------------


def read_all_the_time(server, stop, seen):
    http = requests.Session()
    while not stop.wait(0.02):
        for path in ("/", "/get-characters", "/health"):
            started = time.monotonic()
            answer = http.get(server.url + path, timeout=60)
            seen.append((path, answer, time.monotonic() - started))


def check_outage(tmp_path, upstream, postgres, end, seconds):
    """8 clients go on while the database ends and comes back. `end`: how it ends."""
    # An answer that cannot be remembered is still an answer: which of them were, is not looked at.
    world = World(upstream, remembers=False)
    database = postgres.make_database(f"outage {time.monotonic_ns()}")
    seen, stop = [], threading.Event()
    with Server(tmp_path, **world.settings, **database) as server:
        reader = threading.Thread(target=read_all_the_time, args=(server, stop, seen))
        reader.start()
        try:
            with world.at_work(server, keepers=7):
                time.sleep(1)
                begun = len(world.answers)
                end()
                try:
                    time.sleep(seconds)
                    failed = len(world.answers)
                    health = server.get("/health")
                finally:
                    postgres.start()
                time.sleep(2)
        finally:
            stop.set()
            reader.join()
        assert not health.json()["database"]["reachable"]
        in_outage = [answer.status_code for _, answer, _ in world.answers[begun:failed]]
        assert 503 in in_outage, f"the database was not missed: {in_outage}"
        after = [answer.status_code for _, answer, _ in world.answers[-20:]]
        assert after == [200 if status != 201 else 201 for status in after], f"it has not recovered: {after}"
        for what, answer, took in world.answers + seen:
            assert answer.status_code in (200, 201, 503), f"{what}: {answer.status_code} {answer.text}"
            assert answer.status_code != 503 or int(answer.headers["Retry-After"]) > 0
            assert what != "/" or answer.status_code == 200
            assert took < 8, f"{what} took {took:.1f} s"
        time.sleep(0.5)
        world.check(server, swept=False)
    # What was left behind in doubt is gone after the next start.
    with Server(tmp_path, **world.settings, **database) as server:
        world.check(server)


def test_the_database_is_stopped_and_started_under_load(tmp_path, upstream, postgres):
    check_outage(tmp_path, upstream, postgres, postgres.stop, seconds=2.5)


def test_the_database_is_killed_under_load(tmp_path, upstream, postgres):
    check_outage(tmp_path, upstream, postgres, postgres.kill, seconds=1)


@pytest.mark.long
def test_the_database_is_gone_for_a_while(tmp_path, upstream, postgres):
    check_outage(tmp_path, upstream, postgres, postgres.stop, seconds=40)


def test_started_before_its_database_it_waits_and_serves(tmp_path, postgres):
    database = postgres.make_database("late")
    server = Server(tmp_path, **database)
    with ThreadPoolExecutor() as pool:  # the server ends with the thread that starts it
        postgres.stop()
        try:
            started = pool.submit(server.start)
            time.sleep(2)
            assert not started.done() and server.process.poll() is None, "it did not wait"
        finally:
            postgres.start()
        try:
            started.result()
            assert 2 < server.ready_seconds < 10
            assert server.create("Patient").status_code == 201
        finally:
            server.stop()


@pytest.mark.long
def test_without_its_database_it_says_where_it_looked(tmp_path):
    port = free_port()
    started = time.monotonic()
    ended = subprocess.run([PROGRAM, "serve"], cwd=tmp_path, timeout=60, text=True, capture_output=True, stdin=subprocess.DEVNULL,
                           env=Server(tmp_path, DB_NAME="titans", DB_USER="titans", DB_HOST="127.0.0.1", DB_PORT=port).environment)
    assert ended.returncode != 0 and "ready" not in ended.stdout
    assert "127.0.0.1" in ended.stderr and str(port) in ended.stderr
    assert 28 < time.monotonic() - started < 45


def test_a_database_that_refuses_is_told_at_once(tmp_path, postgres):
    database = postgres.make_database("refusing")
    for wrong, name in (({"DB_PASSWORD": "wrong"}, "DB_PASSWORD"), ({"DB_NAME": "nowhere"}, "nowhere")):
        ended = subprocess.run([PROGRAM, "serve"], cwd=tmp_path, timeout=20, text=True, capture_output=True,
                               stdin=subprocess.DEVNULL, env=Server(tmp_path, **(database | wrong)).environment)
        assert ended.returncode != 0 and name in ended.stderr.splitlines()[-1]


class CuttingProxy:
    """Stands before a database. After cut_commit_of(b"INSERT") it lets the next transaction with such a statement be
    committed, and ends the connection instead of passing on the database's answer."""

    def __init__(self, port):
        self._database = port
        self._statement = None
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut_commit_of(self, statement):
        self._statement = statement

    def close(self):
        self._listener.close()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._pass_on, args=(client,), daemon=True).start()

    def _pass_on(self, client):
        meant = False
        with client, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._database)) as database:
            while True:
                for source in select.select([client, database], [], [])[0]:
                    data = source.recv(1 << 16)
                    if not data:
                        return
                    (database if source is client else client).sendall(data)
                    if source is database:
                        continue
                    meant |= self._statement is not None and self._statement in data
                    if b"COMMIT" in data and meant:
                        self._statement = None
                        database.recv(1 << 16)  # it has happened
                        return


def test_a_change_in_doubt_is_there_whole_if_it_is_there(tmp_path, postgres):
    proxy = CuttingProxy(postgres.port)
    database = postgres.make_database("doubtful")
    with contextlib.closing(proxy), Server(tmp_path, **database | {"DB_PORT": str(proxy.port)}) as server:

        def picture(character):
            return server.get(server.show(character)["image_url"].removeprefix(server.url)).content

        proxy.cut_commit_of(b"INSERT")
        answer = server.create("Ada", image=("a.png", PICTURE))
        assert answer.status_code == 503 and "unknown whether" in answer.json()["error"], answer.text
        character = server.get("/get-characters").json()["characters"][0]["id"]
        assert picture(character) == PICTURE
        proxy.cut_commit_of(b"UPDATE")
        answer = server.update(character, name="Grace", image=("b.png", PICTURE + b"2"))
        assert answer.status_code == 503 and server.show(character)["name"] == "Grace"
        assert picture(character) == PICTURE + b"2"
        recording = server.create("Heard", knowledge=("k.txt", b"The lighthouse was built in 1871.")).json()["character_id"]
        assert server.ask(recording, "When was it built?").json()["audio_url"]
        proxy.cut_commit_of(b"DELETE")
        assert server.delete(f"/delete-character/{recording}").status_code == 503
    with Server(tmp_path, **database) as server:
        assert len(list((server.media / "files").iterdir())) == 1
        assert not list((server.media / "audio").iterdir())
        # Without a database nothing is written that would have to be taken away.
        postgres.stop()
        try:
            assert server.create("Nobody", image=("a.png", PICTURE)).status_code == 503
            assert len(list((server.media / "files").iterdir())) == 1
        finally:
            postgres.start()


def test_another_database_takes_no_files_of_the_first(tmp_path, postgres):
    with Server(tmp_path) as server:
        character = server.create("Ada", image=("a.png", PICTURE)).json()["character_id"]
    with Server(tmp_path, **postgres.make_database("other")) as server:
        assert server.create("Grace", image=("b.png", PICTURE + b"2")).status_code == 201
    with Server(tmp_path) as server:
        url = server.show(character)["image_url"]
        assert server.get(url.removeprefix(f"http://127.0.0.1:{server.port}")).content == PICTURE


def test_a_turn_that_cannot_be_remembered_is_told_so(tmp_path, upstream, postgres):
    upstream.behaviour = slow(first_pause=2)
    with Server(tmp_path, OPENAI_API_KEY="sk-test", OPENAI_BASE_URL=upstream.base_url,
                **postgres.make_database("forgetful")) as server:
        character = server.create("Ada").json()["character_id"]
        stopping = threading.Timer(0.7, postgres.stop)
        stopping.start()
        try:
            answer = server.ask(character, "Who are you?", session_id="s", audio=False)
        finally:
            stopping.join()
            postgres.start()
        assert answer.status_code == 200, answer.text
        assert answer.json()["text_response"] and answer.json()["warnings"][0].startswith("session_id")
        assert server.ask(character, "Who?", session_id="s", audio=False).json()["warnings"] == []


def test_two_servers_start_at_once_on_one_database(tmp_path, upstream, postgres):
    settings = postgres.make_database("shared") | {"TITANS_SECRET_KEY": "a secret of both of them",
                                                   "ALLOWED_PRIVATE_HOSTS": "127.0.0.1"}
    servers = one, two = [Server(tmp_path / name, **settings) for name in ("one", "two")]
    with ThreadPoolExecutor(16) as pool:  # the servers end with the threads that start them
        try:
            list(pool.map(Server.start, servers))
            made = one.create("Ada", knowledge=("k.txt", b"The lighthouse of Flint was built in 1871."), llm_config={
                "base_url": upstream.base_url, "model_name": "fake", "api_key": "sk-of-the-character"})
            assert made.status_code == 201, made.text
            character = made.json()["character_id"]
            for server in (two, one):
                answer = server.ask(character, "When was the lighthouse of Flint built?", audio=False, session_id="s")
                assert answer.status_code == 200, answer.text
                assert "1871" in answer.json()["knowledge_context"]
                assert upstream.requests[-1].key == "sk-of-the-character"
            first, second = (len(request.json["messages"]) for request in upstream.requests[-2:])
            assert second == first + 2, "the session is not shared"
            made = list(pool.map(lambda server: server.create("Same").status_code, servers * 8))
            assert made == [201] * 16
            listed = [[item["id"] for item in server.get("/get-characters").json()["characters"]] for server in servers]
            assert listed[0] == listed[1] and len(set(listed[0])) == 17
            assert two.delete(f"/delete-character/{character}").status_code == 200
            assert one.ask(character, "Hello?").status_code == 404
        finally:
            for server in servers:
                if server.process:
                    server.stop()


# --- The disk is full ---------------------------------------------------------------------------------------------------


@pytest.fixture
def small_disk(tmp_path):
    """A folder on a disk of its own, with 48 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", "size=48m", "titans", folder],
                                           capture_output=True).returncode != 0:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file, leave):
    """Makes `file` as large as its disk has room, but for `leave` bytes."""
    status = os.statvfs(file.parent)
    file.write_bytes(bytes(max(0, status.f_bavail * status.f_frsize - leave)))


def test_a_full_disk_is_told_and_spoils_nothing(small_disk, upstream):
    """At any room that is left, each request is done or refused, and what was done is there when there is room again."""
    filler = small_disk / "filler"
    room = random.Random(9)
    # An answer that cannot be remembered is still an answer.
    world = World(upstream, remembers=False, doubtful=())
    with Server(small_disk, **world.settings) as server:
        for round_ in range(8):
            fill(filler, room.choice([0, 4096, 100_000, 1_200_000, 17 * MEGABYTE, 18 * MEGABYTE]))
            with world.at_work(server, keepers=2):
                time.sleep(0.4)
            assert requests.get(server.url + "/", timeout=5).status_code == 200
            filler.unlink()
            world.check(server)
        fill(filler, 0)
        large = server.create("Large", image=("a.png", PICTURE + bytes(2 * MEGABYTE)))
        heard = server.ask(next(c.id for own in world.characters.values() for c in own), "Hello?")
        filler.unlink()
        server.kill()
    assert large.status_code == 503 and int(large.headers["Retry-After"]) > 0, large.text
    assert heard.status_code == 200 and heard.json()["audio_url"] is None and heard.json()["voice"]["reason"]
    refused = [answer for _, answer, _ in world.answers if not answer.ok]
    assert len(refused) > 20, "the disk was never full"
    for answer in refused:
        assert answer.status_code in (500, 503) and "disk" in answer.json()["error"], answer.text
        assert str(small_disk) not in answer.text
    with Server(small_disk, **world.settings) as server:
        world.check(server)


# --- The server is asked to end -----------------------------------------------------------------------------------------


def test_asked_to_end_under_load_it_ends_in_five_seconds_and_keeps_everything(tmp_path, upstream, database):
    world = World(upstream)
    models = tmp_path / "models"
    with FakeHub({"someone/mind": {"mind-Q8_0.gguf": bytes(4 * MEGABYTE)}}) as hub, FakeUpstream(behaviour=slow(0.5)) as thinker:
        hub.repository("someone/mind").bytes_per_second = MEGABYTE // 2
        settings = world.settings | database | HUB | {"HF_ENDPOINT": hub.url, "ALLOWED_PRIVATE_HOSTS": "127.0.0.1"}
        with Server(tmp_path, models=models, **settings) as server:
            thinking = server.create("Slow", llm_config={"base_url": thinker.base_url, "model_name": "fake"}).json()
            pool = ThreadPoolExecutor(8)
            bodies = [{"character_id": thinking["character_id"], "question": "Why?", "stream": stream}
                      for stream in (True, False) * 3]
            waiting = [pool.submit(server.post, "/ask-question-text", json=body) for body in bodies]
            waiting.append(pool.submit(server.post, "/download-model", json={"model_name": "someone/mind"}))
            thinker.wait_for(len(bodies))
            with world.at_work(server, keepers=3):
                time.sleep(1)
                started = time.monotonic()
                assert server.stop() == 0
                took = time.monotonic() - started
            pool.shutdown()
            assert took < 5, f"it took {took:.1f} s to end"
            for answer in waiting:  # either nothing, or a plain "not now"
                assert answer.exception() or answer.result().status_code in (200, 503), answer.result().text
        with Server(tmp_path, models=models, **settings) as server:
            assert server.delete(f"/delete-character/{thinking['character_id']}").status_code == 200
            world.check(server)
            hub.repository("someone/mind").bytes_per_second = 0
            assert server.post("/download-model", json={"model_name": "someone/mind"}).status_code == 200
        assert all(world.done.values())
