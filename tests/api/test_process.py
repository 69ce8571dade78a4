"""The program as a process: starting, ending, and who may speak to it."""

import json
import subprocess
import time

import pytest
import requests
from server import MODELS, PROGRAM, Server, clean_environment


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


@pytest.mark.models
def test_knowledge_without_vectors_gets_them_after_a_restart(tmp_path):
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
