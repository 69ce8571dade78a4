"""The program as a process: starting, ending, being killed, and who may speak to it."""

import json
import random
import subprocess
import threading
import time

import pytest
import requests
from server import EXAMPLES, PROGRAM, Server, clean_environment

PICTURE = (EXAMPLES / "picture.png").read_bytes()


def test_says_ready_and_ends_cleanly(tmp_path):
    server = Server(tmp_path).start()
    assert requests.get(server.url + "/", timeout=5).status_code == 200
    assert server.stop() == 0


def test_a_second_server_on_the_port_says_that_one_is_running(tmp_path):
    with Server(tmp_path / "one") as server:
        second = subprocess.run([PROGRAM, "serve"], cwd=tmp_path, timeout=30, text=True, capture_output=True,
                                stdin=subprocess.DEVNULL,
                                env=server.environment | {"DATA_DIR": str(tmp_path / "two")})
        assert second.returncode != 0
        assert "already running" in second.stderr
        assert "ready" not in second.stdout
        assert server.get("/").status_code == 200


def test_two_servers_do_not_share_their_data(tmp_path):
    with Server(tmp_path / "one") as server:
        second = Server(tmp_path / "two", DATA_DIR=server.data)
        with pytest.raises(RuntimeError):
            second.start(timeout=15)
        assert server.create("Unharmed").status_code == 201


def test_listens_elsewhere_only_with_a_key(tmp_path):
    refused = subprocess.run([PROGRAM, "serve"], cwd=tmp_path, timeout=30, text=True, capture_output=True,
                             stdin=subprocess.DEVNULL,
                             env=clean_environment(HOST="0.0.0.0", DATA_DIR=tmp_path / "data", MODELS_DIR=tmp_path))
    assert refused.returncode != 0
    assert "TITANS_API_KEY" in refused.stderr


def test_every_wrong_setting_is_named_at_once(tmp_path):
    refused = subprocess.run([PROGRAM, "serve"], cwd=tmp_path, timeout=30, text=True, capture_output=True,
                             stdin=subprocess.DEVNULL,
                             env=clean_environment(PORT="high", THREADS="-3", DATA_DIR=tmp_path / "data"))
    assert refused.returncode != 0
    assert "PORT" in refused.stderr and "THREADS" in refused.stderr


def test_with_a_key_nobody_else_gets_in(tmp_path):
    with Server(tmp_path, TITANS_API_KEY="open-sesame") as server:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "open-sesame"}):
            answer = server.get("/get-characters", headers=headers)
            assert answer.status_code == 401
            assert answer.json()["status"] == "error"
        assert server.get("/get-characters", headers={"Authorization": "Bearer open-sesame"}).status_code == 200
        assert "open-sesame" not in server.log.read_text()


def create_until_it_dies(server, number, acknowledged):
    """Creates one character after the other, and notes each that the server has said exists."""
    count = 0
    while True:
        name = f"Character {number} {count}"
        try:
            answer = server.create(name, knowledge=EXAMPLES / "knowledge.txt", style=EXAMPLES / "style.json",
                                   image=("picture.png", PICTURE + name.encode()), llm_config={"max_tokens": count + 1})
        except requests.RequestException:
            return
        if answer.status_code == 201:
            acknowledged[answer.json()["character_id"]] = name
        count += 1


def check_all_whole(server, acknowledged):
    """Every acknowledged character is there, each one that is there is whole, and no file belongs to none."""
    listed = {character["id"]: character for character in server.get("/get-characters").json()["characters"]}
    assert set(acknowledged) <= set(listed), "an acknowledged character is lost"
    for number, character in listed.items():
        name = acknowledged.get(number, character["name"])
        details = server.get(f"/get-character/{number}").json()["character"]
        assert details["name"] == name
        assert details["llm_config"]["max_tokens"] == int(name.split()[-1]) + 1
        assert server.get(details["image_url"].removeprefix(server.url)).content == PICTURE + name.encode()
    files = [path for path in (server.data / "files").rglob("*") if path.is_file()]
    assert len(files) == len(listed), "a file of no character was left behind"


def test_killed_twenty_times_nothing_acknowledged_is_lost_and_nothing_is_half_made(tmp_path):
    delays = random.Random(3)
    acknowledged = {}
    for number in range(20):
        server = Server(tmp_path).start()
        check_all_whole(server, acknowledged)
        writers = [threading.Thread(target=create_until_it_dies, args=(server, 2 * number + i, acknowledged))
                   for i in range(2)]
        for writer in writers:
            writer.start()
        time.sleep(delays.uniform(0.03, 0.4))
        server.kill()
        time.sleep(0.2)  # a start spares the files of the last 0.1 s: another process might be writing them
        for writer in writers:
            writer.join()
    assert len(acknowledged) >= 20, "the kills came before anything was made"
    with Server(tmp_path) as server:
        check_all_whole(server, acknowledged)


@pytest.mark.long
def test_killed_two_hundred_times(tmp_path):
    for round_ in range(10):
        test_killed_twenty_times_nothing_acknowledged_is_lost_and_nothing_is_half_made(tmp_path / str(round_))


@pytest.mark.models
def test_knowledge_without_vectors_gets_them_after_a_restart(tmp_path):
    from server import MODELS
    with Server(tmp_path) as server:  # no models: no vectors
        number = server.create_example()
    with Server(tmp_path, models=MODELS) as server:
        for _ in range(60):
            answer = server.ask(number, "What is the name of your cat?", audio=False, stream=True)
            recalled = next(json.loads(line[5:]) for line in answer.text.splitlines()
                            if line.startswith("data:") and "passages" in line)
            if not recalled["lexical_only"]:
                break
            time.sleep(0.5)
        assert not recalled["lexical_only"]
        assert recalled["passages"]
